package vector

import "golang.org/x/sys/cpu"

//go:noescape
func interleaveAVX2(group, codes *byte, stride, blocks int)

// interleaveBlock is how many bytes of a code the routine takes at once.
const interleaveBlock = 16

// interleaveBlocks is interleave for the first bytes of codes, and returns for how many.
func interleaveBlocks(group, codes []byte, stride int) int {
	blocks := len(group) / scanLanes / interleaveBlock
	if !cpu.X86.HasAVX2 || blocks == 0 {
		return 0
	}
	_ = codes[(scanLanes-1)*stride+blocks*interleaveBlock-1]
	interleaveAVX2(&group[0], &codes[0], stride, blocks)
	return blocks * interleaveBlock
}
