package vector

import "golang.org/x/sys/cpu"

//go:noescape
func estimateAVX2(e *estimation, groups int)

//go:noescape
func sumsAVX2(out *uint16, codes, table *byte, bytes, groups int)

//go:noescape
func estimateAVX512(e *estimation, groups int)

//go:noescape
func sumsAVX512(out *uint16, codes, table *byte, bytes, groups int)

// kernels are those this processor has, slowest first.
func kernels() []kernel {
	all := []kernel{goKernel}
	if cpu.X86.HasAVX2 {
		all = append(all, assembled("avx2", sumsAVX2, estimateAVX2))
	}
	if has512 {
		all = append(all, assembled("avx512", sumsAVX512, estimateAVX512))
	}
	return all
}
