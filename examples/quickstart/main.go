// Quickstart makes one pass over the containers of the default engine and says
// what it did.
//
//	go run ./examples/quickstart
//
// needs Docker: the engine that DOCKER_HOST names. It updates whatever is out of date
// there, and prints a line for each container: its name, what became of it, and why.
package main

import (
	"context"
	"fmt"
	"log"

	"github.com/watchtower-go/watchtower"
)

func main() {
	tower, err := watchtower.New(watchtower.WithCleanup(true))
	if err != nil {
		log.Fatal(err)
	}
	report, err := tower.Update(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	for _, e := range report.Entries {
		fmt.Println(e.Container.Name, e.Status, e.Reason)
	}
}
