package vector

// A kernel adds up, for groups of 32 codes side by side, the sums of their tables: out[32*g+l] is
// of code l of group g. All kernels give the same integers, and the same estimates.
type kernel struct {
	name string
	sums func(out []uint16, codes []byte, p *probe, groups int)
	// estimate makes estimates of the sums of groups, at least one and at most a chunk's.
	estimate func(e *estimation, groups int)
}

// goKernel is the reference. It looks whole bytes up, which is fastest without shuffles.
var goKernel = kernel{"go", sumsGo, estimateGo}

func sumsGo(out []uint16, codes []byte, p *probe, groups int) {
	for range groups {
		to := (*[scanLanes]uint16)(out)
		*to = [scanLanes]uint16{}
		for i := range p.wide {
			table, from := &p.wide[i], (*[scanLanes]byte)(codes)
			for l, b := range from {
				to[l] += table[b]
			}
			codes = codes[scanLanes:]
		}
		out = out[scanLanes:]
	}
}

// bestKernel is the last of kernels, which are in order of speed.
func bestKernel() kernel {
	k := kernels()
	return k[len(k)-1]
}

// Kernel names the kernel that scans on this machine: "go", "avx2", "avx512" or
// "neon".
func Kernel() string { return bestKernel().name }

// assembled makes a kernel of an assembly routine. The routine reads bytes*32*groups bytes of codes
// and writes 32*groups sums.
func assembled(name string, routine func(out *uint16, codes, table *byte, bytes, groups int),
	estimate func(e *estimation, groups int)) kernel {
	return kernel{name, func(out []uint16, codes []byte, p *probe, groups int) {
		bytes := len(p.table) / 32
		if groups <= 0 {
			return
		}
		_, _ = out[scanLanes*groups-1], codes[scanLanes*bytes*groups-1]
		routine(&out[0], &codes[0], &p.table[0], bytes, groups)
	}, estimate}
}
