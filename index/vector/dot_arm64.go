package vector

//go:noescape
func dotNEON(a *int16, b *byte, blocks int) int32

// dotBlock is how many dimensions the routine takes at once.
const dotBlock = 16

// dot is the inner product of a with as many signed bytes.
func dot(a []int16, b []byte) int32 {
	whole := len(a) / dotBlock * dotBlock
	if whole == 0 {
		return dotGo(a, b)
	}
	_ = b[whole-1]
	return dotNEON(&a[0], &b[0], whole/dotBlock) + dotGo(a[whole:], b[whole:])
}
