package hook

import (
	"context"
	"regexp"

	"memlog/cmd/memlog/internal/memory"
	"memlog/wal/event"
)

// userPrompt stores a prompt that asks for it.
func (r *run) userPrompt() {
	text := request(r.in.Prompt)
	if text == "" {
		return
	}
	if secret.MatchString(text) {
		r.answer.warn("memlog: not stored: this looks like it holds a key or a password; a memory " +
			"is kept with its history and shown to every session")
		return
	}
	req := memory.StoreRequest{Origin: r.origin("user-prompt"), Memories: []memory.NewMemory{{
		Content: text, Project: r.projectName(), CreatedAt: r.o.Now().UTC()}}}
	req.Origin.RequestID = event.NewID().String()
	req.Origin.Reason = "the prompt asked for it"
	r.answer.warn("memlog: it took too long to say whether this was stored; look with memory_search")
	ctx, cancel := context.WithTimeout(context.Background(), askWait)
	defer cancel()
	res, err := r.o.Service.Store(ctx, req)
	switch {
	case err == nil:
		r.stored("memlog stored this prompt's text as memory " + res.Stored[0].ID.String() +
			"; it need not be stored again.")
		return
	case memory.CodeOf(err) == memory.CodeInvalid:
		r.answer.warn("memlog: not stored: %v", err)
		return
	}
	r.kept = true
	if kept := (Spool{r.o.Store}).Put(req, r.o.Now()); kept != nil {
		r.answer.warn("memlog: not stored: %v; and it cannot be kept for later: %v", err, kept)
		return
	}
	r.stored("memlog keeps this prompt's text on disk and stores it as soon as the store can be " +
		"reached; it need not be stored again.")
}

func (r *run) stored(text string) {
	r.answer.warn("")
	r.answer.tell(func() string { return text })
}

// origin says which hook it was.
func (r *run) origin(name string) memory.Origin {
	o := r.o.Origin()
	o.Client = "memlog hook " + name
	if r.in.Session != "" {
		o.Session = r.in.Session
	}
	o.Project = r.root()
	return o
}

// secret finds what is most likely a credential: better one memory too few.
var secret = regexp.MustCompile(`-----BEGIN [A-Z ]*PRIVATE KEY-----|\b(AKIA|ASIA)[0-9A-Z]{16}\b|` +
	`\bgh[pousr]_[A-Za-z0-9]{20,}|\bgithub_pat_\w{20,}|\bglpat-[\w-]{20,}|\bsk-[\w-]{20,}|` +
	`\bxox[abprs]-[\w-]{10,}|\bAIza[\w-]{30,}|\beyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]{10,}|` +
	`(?i)\b(password|passwd|api[_ -]?key|secret|token)\s*(is|[:=])\s*\S{6,}`)
