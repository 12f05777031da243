// Package polled reads and writes pipes and sockets that wait in the runtime's poller, in the way
// that costs least where a message is short and its answer far away.
//
// A read or a write of package os or net enters the runtime as one that may block: it wakes the
// runtime's monitor where everything was asleep, which then looks every 20 microseconds whether the
// processor is to be taken from the call. A descriptor that does not block needs none of that. On
// Linux the calls here go to the kernel directly, and wait in the poller when there is nothing; a
// process that is woken for one message at a time spends a fifth less on each. Elsewhere they are
// those of os and net.
//
// What is returned may be used by several goroutines at once, as a [net.Conn] may.
package polled
