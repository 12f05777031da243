package main

import (
	"context"
	"fmt"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"
	"memlog/cmd/memlog/internal/memory"
)

func verifyCommand() *command {
	return &command{
		name: "verify", group: "Look after",
		summary: "Check every frame, the chain, the archive and the index; change nothing",
		about: `
Damage is named by segment, offset and sequence number, and makes the exit code 3. --deep also
replays the log and compares the digests with those of the index. It works on a store that cannot
be opened.`,
		examples: []string{`memlog verify`, `memlog verify --deep --json | jq .problems`},
		flags: []cli.Flag{
			&cli.BoolFlag{Name: "deep", Usage: "replay the log and compare digests"},
		},
		exits: []int{exitDamaged, exitNotFound, exitBusy},
		run:   runVerify,
	}
}

func runVerify(ctx context.Context, c *call) error {
	k := c.keeper()
	res, err := k.Verify(ctx, memory.VerifyRequest{Deep: c.yes("deep"), By: c.holder,
		Progress: c.bar.progress()})
	if err != nil {
		return err
	}
	if err := c.emit(res, func(p *page) { p.verified(res) }); err != nil || res.OK {
		return err
	}
	n := len(res.Problems)
	if n == 0 {
		return reported{memory.Errorf(memory.CodeDamaged, "the index does not match the log").
			WithHint("memlog rebuild makes a new one; the log is the truth")}
	}
	return reported{memory.Errorf(memory.CodeDamaged, "found %s", plural(n, "problem")).
		WithHint("%s", healing(res.Problems))}
}

// healing says what to do about problems.
func healing(all []memory.Problem) string {
	copies := 0
	for _, x := range all {
		switch {
		case strings.Contains(x.Detail, fs.ErrPermission.Error()):
			return "this user may not read " + x.Segment + ": check its owner and permissions and verify " +
				"again; nothing is lost, and repair --accept-loss would give it up"
		case x.Kind == "snapshot":
			copies++
		case filepath.IsAbs(x.Segment): // the archive is elsewhere, see archive --to
			return "if the disk with " + filepath.Dir(x.Segment) + " is not there at present, " +
				"bring it back and verify again; memlog repair --dry-run says what can be healed"
		}
	}
	if copies == len(all) {
		return "a snapshot is a copy that memlog can do without: memlog snapshot prune removes " +
			"damaged ones"
	}
	return "memlog repair --dry-run says what can be healed"
}

func (p *page) verified(r memory.VerifyResult) {
	if r.OK {
		p.strong("ok")
	} else {
		p.strong("damaged")
	}
	p.field("records", fmt.Sprintf("%d (seq %d to %d), %s", r.Records, r.FirstSeq, r.LastSeq,
		bytesText(r.Bytes)))
	p.field("head", "seq "+plainSeq(r.Head.Seq)+"  "+p.when(r.Head.Time))
	p.field("chain hash", r.Head.Hash)
	index := "ok"
	if !r.Index.OK {
		index = "does not match the log"
	}
	p.field("index", fmt.Sprintf("%s (seq %d)", index, r.Index.Seq))
	p.field("digest", r.Index.Digest)
	p.field("replayed", r.Index.Replayed)
	p.field("state", r.Index.State)
	for _, x := range r.Problems {
		p.problem(x)
	}
	for _, x := range r.Accepted {
		p.field("accepted", "loss of "+rangeText(x))
	}
	for _, n := range r.Notes {
		p.field("note", n)
	}
}

// problem writes one piece of damage.
func (p *page) problem(x memory.Problem) {
	where := fmt.Sprintf("%s at %d", x.Segment, x.Offset)
	if x.Seq != 0 {
		where += ", " + rangeText(memory.SeqRange{From: x.Seq, To: max(x.Seq, x.ToSeq)})
	}
	p.field("problem", fmt.Sprintf("%s: %s: %s", where, x.Kind, x.Detail))
}

func rangeText(r memory.SeqRange) string {
	if r.From == r.To {
		return "seq " + plainSeq(r.From)
	}
	return "seq " + plainSeq(r.From) + " to " + plainSeq(r.To)
}

func plainSeq(s memory.Seq) string { return strconv.FormatUint(uint64(s), 10) }
