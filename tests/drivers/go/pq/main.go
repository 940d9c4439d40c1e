// lib/pq below database/sql, whose pool hands its connections to whoever asks.
package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"time"

	"../check"
	"github.com/lib/pq"
)

var ask = context.Background()

func open(options string) *sql.DB {
	db, err := sql.Open("postgres", "sslmode=disable "+options) // the rest is in the environment
	check.Must(err)
	db.SetMaxOpenConns(4)
	return db
}

func values(db *sql.DB) {
	for n := 0; n < 50; n++ {
		var number int
		var text string
		check.Must(db.QueryRow("SELECT $1::int + 1, $2::text", n, fmt.Sprint("t", n)).Scan(&number, &text))
		check.Same([]interface{}{number, text}, []interface{}{n + 1, fmt.Sprint("t", n)})
	}
}

func prepared(db *sql.DB) {
	first, err := db.Prepare("SELECT $1::int, 'first'")
	check.Must(err)
	second, err := db.Prepare("SELECT $1::int, 'second'")
	check.Must(err)
	var together sync.WaitGroup
	for worker := 0; worker < 4; worker++ {
		together.Add(1)
		go func() {
			defer together.Done()
			for n := 0; n < 50; n++ {
				for name, statement := range map[string]*sql.Stmt{"first": first, "second": second} {
					var number int
					var text string
					check.Must(statement.QueryRow(n).Scan(&number, &text))
					check.Same([]interface{}{number, text}, []interface{}{n, name})
				}
			}
		}()
	}
	together.Wait()
	check.Must(first.Close())
	check.Must(second.Close())
}

func transactions(db *sql.DB) {
	tx, err := db.BeginTx(ask, &sql.TxOptions{Isolation: sql.LevelSerializable})
	check.Must(err)
	var level string
	check.Must(tx.QueryRow("SHOW transaction_isolation").Scan(&level))
	check.Same(level, "serializable")
	_, err = tx.Exec("CREATE TABLE go_kept (n int); SAVEPOINT here")
	check.Must(err)
	_, err = tx.Exec("INSERT INTO go_kept SELECT 1 / $1::int", 0)
	var refused *pq.Error
	check.Same(errors.As(err, &refused), true)
	check.Same(string(refused.Code), "22012")
	_, err = tx.Exec("ROLLBACK TO here")
	check.Must(err)
	copying, err := tx.Prepare(pq.CopyIn("go_kept", "n"))
	check.Must(err)
	for n := 0; n < 1000; n++ {
		_, err = copying.Exec(n)
		check.Must(err)
	}
	_, err = copying.Exec()
	check.Must(err)
	check.Must(copying.Close())
	check.Must(tx.Commit())
	var sum int
	check.Must(db.QueryRow("SELECT sum(n) FROM go_kept").Scan(&sum))
	check.Same(sum, 999*1000/2)
	_, err = db.Exec("DROP TABLE go_kept")
	check.Must(err)
}

func cancels(db *sql.DB) {
	hasty, enough := context.WithTimeout(ask, 200*time.Millisecond)
	defer enough()
	_, err := db.ExecContext(hasty, "SELECT pg_sleep(60)")
	check.Same(err != nil, true)
	var one int
	check.Must(db.QueryRow("SELECT 1").Scan(&one))
	check.Same(one, 1)
}

func listens(db *sql.DB) {
	listener := pq.NewListener("sslmode=disable", time.Second, time.Second, nil)
	check.Must(listener.Listen("go_news"))
	_, err := db.Exec("SELECT pg_notify('go_news', 'hello')")
	check.Must(err)
	select {
	case heard := <-listener.Notify:
		check.Same(heard.Extra, "hello")
	case <-time.After(10 * time.Second):
		check.Must(errors.New("nothing was heard"))
	}
	check.Must(listener.Close())
}

func main() {
	db, binary := open(""), open("binary_parameters=yes")
	check.That("values are bound", func() { values(db) })
	check.That("values are bound in one round trip", func() { values(binary) })
	check.That("prepared statements on many connections", func() { prepared(db) })
	check.That("transactions, savepoints and COPY", func() { transactions(db) })
	check.That("a context that ends cancels", func() { cancels(db) })
	check.That("LISTEN", func() { listens(db) })
	check.Must(db.Close())
	check.Must(binary.Close())
}
