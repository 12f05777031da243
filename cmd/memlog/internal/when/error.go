package when

import (
	"fmt"
	"strings"
)

// Error says that an expression was not understood, and why. It is always the caller's fault.
type Error struct {
	Expr   string // as given, but cut to MaxLength bytes
	Reason string // lower case, no period
}

// Error names the expression and the reason, and ends with expressions that work.
func (e *Error) Error() string {
	return fmt.Sprintf("understand time %q: %s; write for example %s",
		e.Expr, e.Reason, strings.Join(examples(), ", "))
}

// examples returns expressions that both At and Span understand, whatever the time is.
func examples() []string {
	return []string{
		"2025-01-25", "2025-01-25 14:30", "2025-01-25T14:30:00Z", "2 days ago", "yesterday at 14:00",
		"last Monday", "last week", "March 2024",
	}
}

func refuse(expr string, reason error) *Error {
	if len(expr) > MaxLength {
		expr = strings.ToValidUTF8(expr[:MaxLength], "")
	}
	return &Error{Expr: expr, Reason: reason.Error()}
}
