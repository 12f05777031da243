package vector

// A run is runSlots slots one behind the other. Once all of them have a partition it is sealed: its
// codes are put in order of partitions, and of slots within one. The first run never is, since its
// codes are around several means.
const (
	runSlots  = 1 << 16
	runChunks = runSlots / chunkSlots
)

type run struct {
	blocks [runChunks]*codes
	order  []uint16 // by position: which slot of the run
	starts []uint32 // by partition: its first position; and the end
}

func (s *Slab) run(number uint32) *run {
	runs := *s.runs.Load()
	if int(number) >= len(runs) {
		return nil
	}
	return runs[number]
}

// seal makes a run of the slots whose partitions are in s.parts.
func (s *Slab) seal(number uint32) {
	runs := *s.runs.Load()
	if number == 0 {
		s.runs.Store(&[]*run{nil})
		return
	}
	r := &run{order: make([]uint16, runSlots)}
	r.starts = make([]uint32, len((*s.epochs.Load())[EpochOf(number*runSlots)])+1)
	for _, p := range s.parts {
		r.starts[p+1]++
	}
	for p := 1; p < len(r.starts); p++ {
		r.starts[p] += r.starts[p-1]
	}
	next := append([]uint32(nil), r.starts...)
	for i, p := range s.parts {
		r.order[next[p]] = uint16(i)
		next[p]++
	}
	for n, to := range manyCodes(s.dims, runChunks) {
		r.blocks[n] = to
		s.arrange(to, number*runSlots, r.order[n*chunkSlots:][:chunkSlots])
	}
	runs = append(runs[:len(runs):len(runs)], r)
	s.runs.Store(&runs)
	for n := range uint32(runChunks) { // readers that find none find the run
		s.chunk(number*runSlots + n*chunkSlots).codes.Store(nil)
	}
}

// arrange copies codes of a run in an order.
func (s *Slab) arrange(to *codes, first uint32, order []uint16) {
	bytes := bitBytes(s.dims)
	for i, o := range order {
		from, j := s.chunk(first+uint32(o)).codes.Load(), int(o)%chunkSlots
		to.ratio[i], to.toMean[i], to.ones[i] = from.ratio[j], from.toMean[j], from.ones[j]
		a := to.bits[i/scanLanes*scanLanes*bytes+i%scanLanes:]
		b := from.bits[j/scanLanes*scanLanes*bytes+j%scanLanes:]
		for n := range bytes {
			a[n*scanLanes] = b[n*scanLanes]
		}
	}
}

// piece is a stretch of codes to be scanned.
type piece struct {
	codes    *codes
	from, to uint32   // positions
	first    uint32   // slot of position 0, or of the run
	order    []uint16 // by position: slot less first; nil: in order
	mean     int
}

func (p *piece) slot(position uint32) uint32 {
	if p.order != nil {
		return p.first + uint32(p.order[position])
	}
	return p.first + position
}

// pieces appends what a scan goes through: everything below its prefix, but of sealed runs that
// were whole by then only the partitions nearest to the query, where it asks for that.
func (s *Slab) pieces(q Scan, all []piece) []piece {
	probed := s.probed(q)
	for slot := uint32(0); slot < q.Prefix; {
		if r := s.run(slot / runSlots); slot%runSlots == 0 && r != nil {
			end := slot + runSlots
			if probed == nil || end > q.Prefix {
				all = r.stretch(all, slot, 0, runSlots)
			} else {
				for _, p := range probed[EpochOf(slot)] {
					all = r.stretch(all, slot, r.starts[p], r.starts[p+1])
				}
			}
			slot = end
			continue
		}
		c := s.chunk(slot).codes.Load()
		if c == nil { // the run was sealed since we began with it
			slot = slot / runSlots * runSlots
			for len(all) > 0 && all[len(all)-1].first >= slot {
				all = all[:len(all)-1]
			}
			continue
		}
		all = append(all, piece{codes: c, to: min(chunkSlots, q.Prefix-slot), first: slot,
			mean: MeanOf(slot)})
		slot += chunkSlots
	}
	return all
}

// probed returns by epoch which partitions a scan looks into, nil: into all there is.
func (s *Slab) probed(q Scan) [][]uint16 {
	if !q.Partitions || q.Prefix < FirstPartition {
		return nil
	}
	var probed [][]uint16
	for _, c := range (*s.epochs.Load())[:EpochOf(q.Prefix-1)+1] {
		probed = append(probed, c.probe(q.Query))
	}
	return probed
}

// stretch appends the pieces of positions from to to.
func (r *run) stretch(all []piece, first, from, to uint32) []piece {
	for from < to {
		n := from / chunkSlots
		end := min(to, (n+1)*chunkSlots)
		last := len(all) - 1
		if last >= 0 && all[last].codes == r.blocks[n] && all[last].to == from%chunkSlots {
			all[last].to = end - n*chunkSlots // they adjoin
		} else {
			all = append(all, piece{codes: r.blocks[n], from: from % chunkSlots,
				to: end - n*chunkSlots, first: first, order: r.order[n*chunkSlots:][:chunkSlots],
				mean: MeanOf(first)})
		}
		from = end
	}
	return all
}
