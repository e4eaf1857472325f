package main

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/reprise-dst/reprise/durable"
)

// Transfer moves money between two accounts.
type Transfer struct {
	From, To string
	Amount   int
}

// Receipt says what a transfer has left behind.
type Receipt struct {
	Left  int // in the payer's account
	Total int // in all accounts, some time after the transfer
}

// ErrFunds is the error of a transfer that its account can't pay.
var ErrFunds = errors.New("transfers: not enough money")

func init() { durable.RegisterError(ErrFunds) }

// Opening is what every account holds before its first transfer.
const Opening = 100

// NewTransfer returns the workflow. Both accounts change in one transaction, whose writes are committed
// together with the checkpoint of its result: a transfer happens once, whatever crashes, and others never
// see half of it.
func NewTransfer() *durable.Workflow[Transfer, Receipt] {
	return durable.Define("transfer", func(ctx durable.Context, t Transfer) (Receipt, error) {
		left, err := durable.Transact(ctx, "move", move, t)
		if err != nil {
			return Receipt{}, err
		}
		total, err := durable.Transact(ctx, "audit", audit, t)
		return Receipt{left, total}, err
	})
}

// move returns what the payer has left.
func move(tx *durable.Tx, t Transfer) (int, error) {
	left := Balance(tx, t.From) - t.Amount
	if left < 0 {
		return 0, fmt.Errorf("%w: %s needs %d more", ErrFunds, t.From, -left)
	}
	set(tx, t.From, left)
	set(tx, t.To, Balance(tx, t.To)+t.Amount) // read after it was set, in case someone pays himself
	return left, nil
}

func audit(tx *durable.Tx, _ Transfer) (int, error) { return Total(tx), nil }

// Accounts are the names of all accounts.
var Accounts = []string{"alice", "bob", "carol"}

// Balance is what an account holds.
func Balance(tx *durable.Tx, account string) int {
	value, ok := tx.Get("account/" + account)
	if !ok {
		return Opening
	}
	n, err := strconv.Atoi(string(value))
	if err != nil {
		panic(fmt.Sprintf("account %q holds %q", account, value))
	}
	return n
}

func set(tx *durable.Tx, account string, n int) {
	tx.Set("account/"+account, []byte(strconv.Itoa(n)))
}

// Total is what all accounts hold together: always as many times Opening as there are accounts.
func Total(tx *durable.Tx) (sum int) {
	for _, account := range Accounts {
		sum += Balance(tx, account)
	}
	return sum
}
