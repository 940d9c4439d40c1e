// pgx: caches prepared statements, or descriptions of them; batches; binary COPY; large objects.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"../check"
	"github.com/jackc/pgconn"
	"github.com/jackc/pgx/v4"
	"github.com/jackc/pgx/v4/pgxpool"
)

var ask = context.Background()

func open(options string) *pgxpool.Pool {
	config, err := pgxpool.ParseConfig("sslmode=disable pool_max_conns=4 " + options) // the rest is in the environment
	check.Must(err)
	config.ConnConfig.PreferSimpleProtocol = options == ""
	db, err := pgxpool.ConnectConfig(ask, config)
	check.Must(err)
	return db
}

func values(db *pgxpool.Pool) {
	var together sync.WaitGroup
	for worker := 0; worker < 4; worker++ {
		together.Add(1)
		go func(worker int) {
			defer together.Done()
			for n := 0; n < 50; n++ {
				var number, who int
				var text string
				row := db.QueryRow(ask, "SELECT $1::int + 1, $2::text, $3::int", n, fmt.Sprint("t", n), worker)
				check.Must(row.Scan(&number, &text, &who))
				check.Same([]interface{}{number, text, who}, []interface{}{n + 1, fmt.Sprint("t", n), worker})
				var code *pgconn.PgError
				check.Same(errors.As(db.QueryRow(ask, "SELECT 1 / $1::int", 0).Scan(&number), &code), true)
				check.Same(code.Code, "22012")
			}
		}(worker)
	}
	together.Wait()
}

func batches(db *pgxpool.Pool) {
	for round := 0; round < 10; round++ {
		batch := &pgx.Batch{}
		for n := 0; n < 50; n++ {
			batch.Queue("SELECT $1::int * 2", n)
			batch.Queue("SELECT $1::text", fmt.Sprint(round, n))
		}
		results := db.SendBatch(ask, batch)
		for n := 0; n < 50; n++ {
			var number int
			var text string
			check.Must(results.QueryRow().Scan(&number))
			check.Must(results.QueryRow().Scan(&text))
			check.Same([]interface{}{number, text}, []interface{}{2 * n, fmt.Sprint(round, n)})
		}
		check.Must(results.Close())
	}
}

func transactions(db *pgxpool.Pool) {
	check.Must(db.BeginFunc(ask, func(tx pgx.Tx) error {
		_, err := tx.Exec(ask, "CREATE TABLE pgx_kept (n int, t text)")
		check.Must(err)
		failed := tx.BeginFunc(ask, func(inner pgx.Tx) error { // a savepoint
			_, err := inner.Exec(ask, "INSERT INTO pgx_kept SELECT 1 / $1::int", 0)
			return err
		})
		check.Same(failed != nil, true)
		rows := [][]interface{}{}
		for n := 0; n < 1000; n++ {
			rows = append(rows, []interface{}{n, fmt.Sprint("t", n)})
		}
		copied, err := tx.CopyFrom(ask, pgx.Identifier{"pgx_kept"}, []string{"n", "t"}, pgx.CopyFromRows(rows))
		check.Same(copied, int64(1000))
		return err
	}))
	var sum int
	check.Must(db.QueryRow(ask, "SELECT sum(n) FROM pgx_kept").Scan(&sum))
	check.Same(sum, 999*1000/2)
	_, err := db.Exec(ask, "DROP TABLE pgx_kept")
	check.Must(err)
}

func largeObjects(db *pgxpool.Pool) {
	check.Must(db.BeginFunc(ask, func(tx pgx.Tx) error {
		objects := tx.LargeObjects()
		oid, err := objects.Create(ask, 0)
		check.Must(err)
		object, err := objects.Open(ask, oid, pgx.LargeObjectModeRead|pgx.LargeObjectModeWrite)
		check.Must(err)
		_, err = object.Write([]byte("large"))
		check.Must(err)
		_, err = object.Seek(1, io.SeekStart)
		check.Must(err)
		content, err := io.ReadAll(object)
		check.Must(err)
		check.Same(string(content), "arge")
		return objects.Unlink(ask, oid)
	}))
}

func cancels(db *pgxpool.Pool) {
	hasty, enough := context.WithTimeout(ask, 200*time.Millisecond)
	defer enough()
	_, err := db.Exec(hasty, "SELECT pg_sleep(60)")
	check.Same(errors.Is(err, context.DeadlineExceeded) || pgconn.Timeout(err), true)
	var one int
	check.Must(db.QueryRow(ask, "SELECT 1").Scan(&one))
	check.Same(one, 1)
}

func listens(db *pgxpool.Pool) {
	check.Must(db.AcquireFunc(ask, func(client *pgxpool.Conn) error {
		_, err := client.Exec(ask, "LISTEN pgx_news")
		check.Must(err)
		_, err = db.Exec(ask, "SELECT pg_notify('pgx_news', 'hello')")
		check.Must(err)
		patient, enough := context.WithTimeout(ask, 10*time.Second)
		defer enough()
		heard, err := client.Conn().WaitForNotification(patient)
		check.Must(err)
		check.Same(heard.Payload, "hello")
		_, err = client.Exec(ask, "UNLISTEN *")
		return err
	}))
}

func main() {
	for _, mode := range []string{"statement_cache_mode=prepare", "statement_cache_mode=describe", "statement_cache_capacity=2", ""} {
		db, name := open(mode), mode
		if mode == "" {
			name = "simple protocol"
		}
		check.That(name+": values are bound", func() { values(db) })
		check.That(name+": batches", func() { batches(db) })
		check.That(name+": transactions, savepoints and COPY", func() { transactions(db) })
		check.That(name+": a context that ends cancels", func() { cancels(db) })
		db.Close()
	}
	db := open("statement_cache_mode=prepare")
	check.That("large objects", func() { largeObjects(db) })
	check.That("LISTEN", func() { listens(db) })
	db.Close()
}
