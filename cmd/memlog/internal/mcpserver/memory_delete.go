package mcpserver

import (
	"context"
	"fmt"
	"strings"

	"memlog/cmd/memlog/internal/memory"
)

func deleteTool() tool {
	return tool{
		name:  "memory_delete",
		title: "Delete memories",
		doc: "Deletes memories by ids, or all that the filters select, as one change. They vanish " +
			"from search and list; their history stays, and memory_undo brings them back. Try " +
			"filters with dry_run first.",
		params: with([]param{{name: "ids", kind: kindIDs, doc: "Ids or aliases."}},
			filterParams, []param{ifVersionParam, dryRunParam, maxTokensParam}, originParams),
		output: object([]string{"seq", "affected", "total"},
			append(changeSchema(), resolvedSchema()[:3]...)),
		destructive: true, idempotent: true,
		run: runDelete,
	}
}

type deleteAnswer struct {
	changeAnswer
	resolved
}

func runDelete(ctx context.Context, svc memory.Service, c *call) (answer, error) {
	req, err := c.deleteRequest()
	if err != nil {
		return answer{}, err
	}
	res, err := svc.Delete(ctx, req)
	if err != nil {
		return answer{}, err
	}
	out, shown, err := c.changeAnswer(res)
	if err != nil {
		return answer{}, err
	}
	text := "Nothing to delete."
	switch {
	case res.DryRun:
		text = fmt.Sprintf("Would delete %s; nothing was done.", memories(len(res.Affected)))
	case len(res.Affected) > 0:
		text = fmt.Sprintf("Deleted %s, seq %d.%s memory_undo with seq %d takes that back.",
			memories(len(res.Affected)), res.Seq, repeated(res.Repeats), res.Seq)
	}
	if filter := describe(req.Filter, memory.Moment{}, nil); filter != "" {
		text += "\n" + strings.TrimSuffix(filter, "\n")
	}
	text += idLines(shown, len(res.Affected))
	return answer{text: text, structured: deleteAnswer{out, resolve(req.Filter, nil)}}, nil
}

func (c *call) deleteRequest() (req memory.DeleteRequest, err error) {
	req = memory.DeleteRequest{
		IDs: c.list("ids"), IfVersion: uint64(c.int("if_version")), DryRun: c.bool("dry_run"),
		Origin: c.origin,
	}
	if name := c.emptyFilter(); name != "" { // left out, it would have more deleted
		return req, memory.Invalid(name, "is empty").
			WithHint("name what to delete by; nothing was deleted.")
	}
	if req.Filter, err = c.filter(); err != nil {
		return req, err
	}
	switch {
	case c.has("ids") && len(req.IDs) == 0:
		return req, memory.Invalid("ids", "is empty").WithHint("name at least one memory.")
	case c.has("ids") && !req.Filter.IsZero():
		return req, memory.Invalid("ids", "given together with filters").
			WithHint("give either ids or filters; nothing was deleted.")
	case !c.has("ids") && req.Filter.IsZero():
		return req, memory.Invalid("ids", "neither ids nor a filter given").
			WithHint("name the memories by ids, or select them with tags, type, project, since " +
				"or until.")
	case req.IfVersion > 0 && len(req.IDs) != 1:
		return req, memory.Invalid("if_version", "needs exactly one id")
	}
	return req, nil
}
