package httpserver

import (
	"net/http"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// counters are what /metrics shows of the server itself.
type counters struct {
	http.Handler
	requests *prometheus.CounterVec
}

func newCounters(sessions func() int) *counters {
	c := &counters{requests: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "memlog_http_requests_total", Help: "Requests answered, by status.",
	}, []string{"code"})}
	reg := prometheus.NewPedanticRegistry()
	reg.MustRegister(c.requests, prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "memlog_http_sessions", Help: "MCP sessions open over HTTP.",
	}, func() float64 { return float64(sessions()) }))
	c.Handler = promhttp.HandlerFor(reg, promhttp.HandlerOpts{})
	return c
}

// request counts a request that was answered with a status; 0: nothing was written, which is 200.
func (c *counters) request(status int) {
	c.requests.WithLabelValues(strconv.Itoa(max(status, 200))).Inc()
}
