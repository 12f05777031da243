package vector

//go:noescape
func sumsNEON(out *uint16, codes, table *byte, bytes, groups int)

// kernels are those this processor has, slowest first. Every arm64 that Go runs on has NEON.
func kernels() []kernel { return []kernel{goKernel, assembled("neon", sumsNEON, estimateGo)} }
