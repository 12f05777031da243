package vector

// estimation is a chunk's sums on their way to estimates: what a kernel reads and writes.
type estimation struct {
	sums, ones    []uint16
	ratio, toMean []float32
	out           [chunkSlots]float32
	above         [chunkSlots / scanLanes]uint32 // by group: a bit for each not below the floor
	step, set     float32                        // of the probe: see estimate
	offset, base  float32
	floor         float32
}

// ready takes the codes from one on.
func (e *estimation) ready(c *codes, from uint32, sums []uint16, p *probe, floor float32) {
	e.sums, e.ones, e.ratio, e.toMean = sums, c.ones[from:], c.ratio[from:], c.toMean[from:]
	e.step, e.set, e.offset, e.base, e.floor = p.step, p.ones, p.offset, p.base, floor
}

// release lets go of the codes.
func (e *estimation) release() { e.sums, e.ones, e.ratio, e.toMean = nil, nil, nil, nil }

// estimateGo is the reference: the very operations of probe.estimate, in their order.
func estimateGo(e *estimation, groups int) {
	p := probe{step: e.step, ones: e.set, offset: e.offset, base: e.base}
	for g := range groups {
		above := uint32(0)
		for l := range scanLanes {
			i := g*scanLanes + l
			x := p.estimate(e.sums[i], e.ones[i], e.ratio[i], e.toMean[i])
			e.out[i] = x
			if x >= e.floor {
				above |= 1 << l
			}
		}
		e.above[g] = above
	}
}
