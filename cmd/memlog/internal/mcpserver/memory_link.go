package mcpserver

import (
	"context"
	"fmt"

	"memlog/cmd/memlog/internal/memory"
)

func linkTool() tool {
	return tool{
		name:  "memory_link",
		title: "Link memories",
		doc: "Links one memory to another, in one direction and with a type that says how they relate; " +
			"with remove it takes the link away. memory_get shows the links of a memory. A link that " +
			"is there already is not made again.",
		params: with([]param{
			{name: "from", kind: kindText, required: true, doc: "Id or alias of the one that points."},
			{name: "to", kind: kindText, required: true, doc: "Id or alias of the one pointed to."},
			{name: "type", kind: kindText, required: true,
				doc: "How they relate: because, part-of, contradicts, supersedes, …"},
			{name: "remove", kind: kindBool, doc: "Take the link away instead."},
		}, originParams),
		output:     object([]string{"seq", "affected", "total"}, changeSchema()),
		idempotent: true,
		run:        runLink,
	}
}

func runLink(ctx context.Context, svc memory.Service, c *call) (answer, error) {
	req := memory.LinkRequest{
		From: c.text("from"), To: c.text("to"), Type: c.text("type"), Remove: c.bool("remove"),
		Origin: c.origin,
	}
	res, err := svc.Link(ctx, req)
	if err != nil {
		return answer{}, err
	}
	out, _, err := c.changeAnswer(res)
	if err != nil {
		return answer{}, err
	}
	link := fmt.Sprintf("%s -%s-> %s", clip(req.From, maxShown), clip(oneLine(req.Type), maxShown),
		clip(req.To, maxShown))
	text := "Nothing to do: " + link + " is there already."
	switch {
	case res.Seq > 0 && req.Remove:
		text = fmt.Sprintf("Took away %s, seq %d.%s", link, res.Seq, repeated(res.Repeats))
	case res.Seq > 0:
		text = fmt.Sprintf("Linked %s, seq %d.%s", link, res.Seq, repeated(res.Repeats))
	}
	return answer{text: text, structured: out}, nil
}
