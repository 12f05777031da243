package main

import "context"

func tryCommand() *command {
	return &command{
		name: "try", group: "Processes",
		run: func(context.Context, *call) error { return nil },
	}
}
