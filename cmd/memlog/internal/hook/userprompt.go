package hook

import (
	"context"
	"errors"
	"time"

	"memlog/cmd/memlog/internal/memory"
	"memlog/wal/event"
)

// userPrompt stores a prompt that asks for it. It is on the disk before the owner of the store is
// asked, so that from then on nothing that is late can lose it. err is of reading the input.
func (r *run) userPrompt(err error) {
	if err == nil && r.in.Prompt == nil {
		err = errors.New("the input holds none")
	}
	if err != nil {
		r.answer.warn("memlog: the prompt could not be read: %v; %s", err, unread)
		return
	}
	text := request(*r.in.Prompt)
	if text == "" {
		r.answer.warn("")
		return
	}
	r.answer.warn("memlog: there was no time to keep this on disk, so it may not be stored; " +
		"look with memory_search, and ask again if it is not there")
	switch {
	case len(text) > memory.MaxContent:
		r.answer.warn("memlog: not stored: %d bytes are more than the %d that a memory holds; "+
			"put it into several", len(text), memory.MaxContent)
		return
	case holdsSecret(text):
		r.answer.warn("memlog: not stored: this looks like it holds a key or a password; a memory " +
			"is kept with its history and shown to every session")
		return
	}
	now := r.o.Now()
	req := memory.StoreRequest{Origin: r.origin(userPrompt), Memories: []memory.NewMemory{{
		Content: text, Project: r.projectName(), CreatedAt: now.UTC()}}}
	req.Origin.RequestID = event.NewID().String()
	req.Origin.Reason = "the prompt asked for it"
	r.handOver(req, now)
}

// handOver keeps a request, has the owner of the store take it, and lets go of what it kept.
func (r *run) handOver(req memory.StoreRequest, now time.Time) {
	spool := Spool{r.o.Store}
	kept := spool.Put(req, now)
	if kept == nil {
		r.stored("memlog keeps this prompt's text on disk and stores it as soon as the store can be " +
			"reached; it need not be stored again.")
	}
	ctx, cancel := context.WithDeadline(context.Background(), r.until)
	defer cancel()
	res, err := r.o.Service.Store(ctx, req)
	switch {
	case err == nil:
		r.stored("memlog stored this prompt's text as memory " + res.Stored[0].ID.String() +
			"; it need not be stored again.")
	case memory.CodeOf(err) == memory.CodeInvalid:
		r.answer.tell(nil)
		r.answer.warn("memlog: not stored: %v", err)
	case kept != nil:
		r.answer.warn("memlog: not stored: %v; and it cannot be kept for later: %v", err, kept)
		return
	default:
		r.waits = true
		r.o.Note("hook user-prompt: kept in %s: %v", spool.dir(), err)
		return
	}
	if err := spool.Remove(req, now); err != nil { // it is handed over again, under the same id
		r.o.Note("hook user-prompt: %v", err)
	}
}

func (r *run) stored(text string) {
	r.answer.tell(func() string { return text })
	r.answer.warn("")
}

// origin says which hook it was.
func (r *run) origin(name string) memory.Origin {
	o := r.o.Origin()
	o.Client = "memlog hook " + name
	if r.in.Session != "" {
		o.Session = string(r.in.Session)
	}
	o.Project = r.root()
	return o
}
