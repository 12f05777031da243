package fetch

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"

	"memlog/cmd/memlog/internal/memory"
)

// MaxRedirects is how often in a row a server may name another place for a file.
const MaxRedirects = 5

// Address reads the address of a directory on a server, and refuses what is not fetched from.
func Address(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return nil, memory.Invalid("URL", "%.200q is no address", text)
	case u.User != nil:
		return nil, memory.Invalid("URL", "it holds a password").
			WithHint("fetch the files in another way and give their folder")
	case u.Fragment != "":
		return nil, memory.Invalid("URL", "%.200q has a fragment (#)", text).
			WithHint("give the address of the folder; the files' names are added to it")
	}
	if err := allowed(u); err != nil {
		return nil, memory.Invalid("URL", "%w", err).
			WithHint("give an https address; http is for this machine's own loopback only")
	}
	return u, nil
}

// allowed refuses what could be read and changed on its way.
func allowed(u *url.URL) error {
	switch {
	case u.Hostname() == "":
		return fmt.Errorf("%.200q names no host", u.Redacted())
	case u.Scheme == "https", u.Scheme == "http" && isLoopback(u.Hostname()):
		return nil
	}
	return fmt.Errorf("%.200q is neither https nor http to loopback", u.Redacted())
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback() || strings.EqualFold(host, "localhost")
}

// errRedirect is wrapped by errors about where a server sent a request.
var errRedirect = errors.New("the server redirects")

// redirected says whether a request may go where the server sent it.
func redirected(req *http.Request, via []*http.Request) error {
	if len(via) > MaxRedirects {
		return fmt.Errorf("%w more than %d times", errRedirect, MaxRedirects)
	}
	if err := allowed(req.URL); err != nil {
		return fmt.Errorf("%w: %w", errRedirect, err)
	}
	if isLoopback(req.URL.Hostname()) && !isLoopback(via[0].URL.Hostname()) {
		return fmt.Errorf("%w from elsewhere to this machine, %.200q", errRedirect, req.URL.Redacted())
	}
	return nil
}
