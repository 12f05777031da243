package index

// learning is topics being learned on a goroutine of its own, ahead of the record they are due at,
// so that the writer need not stop for them. It only saves time: who finds none learns the same.
type learning struct {
	of    Row
	done  chan struct{}
	space []byte // as kept, empty where there is nothing to learn; set once done
	err   error  // likewise
}

// learnAhead is called with mu held after a commit: it begins to learn what is due next, once the
// rows that it is learned from are there.
func (d *DB) learnAhead() {
	of := topicsAhead(d.state.nextRow)
	switch {
	case of == 0:
		d.learning = nil
		return
	case d.learning != nil && d.learning.of == of, !d.state.totals.hasTopics():
		return
	}
	l := &learning{of: of, done: make(chan struct{})}
	d.learning = l
	d.wg.Go(func() {
		defer close(l.done)
		var space []byte
		l.err = d.fuse.guard(func() (err error) {
			space, err = d.source().learn(of)
			return err
		})
		if l.err == nil { // else the fuse may have blown, with the work still under way
			l.space = space
		}
	})
}

// learned returns the topics of the first n rows, from the goroutine that learns them or, where
// there is none, from the rows.
func (b *Batch) learned(n Row) ([]byte, error) {
	if l := b.d.learning; l != nil && l.of == n {
		if <-l.done; l.err == nil {
			return l.space, nil
		}
	}
	return b.src.learn(n)
}

// learn returns the topics of the first n rows, which must be there; nil: they have none. Later
// rows make no difference.
func (s source) learn(n Row) ([]byte, error) {
	l, err := s.topicLearner(n)
	if err != nil {
		return nil, err
	}
	if space := l.Learn(); space != nil {
		return space.Append(nil), nil
	}
	return nil, nil
}
