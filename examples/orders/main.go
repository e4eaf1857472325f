// Command orders takes orders durably and kills itself at it: a child process runs a few hundred orders on
// a store on disk, the parent kills it with SIGKILL again and again at arbitrary moments and starts it anew
// until every order has ended, then checks the books.
//
//	go run ./examples/orders
package main

import (
	"flag"
	"fmt"
	"os"
	"time"
)

func main() {
	orders := flag.Int("orders", 300, "how many orders to take")
	kills := flag.Int("kills", 6, "how often to kill the process")
	dir := flag.String("dir", "", "folder for the store and the books (default: a temporary one, removed after)")
	serve := flag.Bool("serve", false, "be the child process: run the orders in -dir until all have ended")
	flag.Parse()
	var err error
	switch {
	case *orders < 1 || *kills < 0:
		err = fmt.Errorf("-orders must be at least 1 and -kills at least 0, got %d and %d", *orders, *kills)
	case *serve && *dir == "":
		err = fmt.Errorf("-serve needs -dir, the folder with the store and the books")
	case *serve:
		err = runOrders(*dir, *orders)
	default:
		err = torture(*dir, *orders, *kills, time.Now().UnixNano())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "orders:", err)
		os.Exit(1)
	}
}
