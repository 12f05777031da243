package foreign

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	_ "modernc.org/sqlite" // the driver of SQLite databases, in Go
)

// sqliteMagic is how every SQLite database begins.
const sqliteMagic = "SQLite format 3\x00"

// database is a private copy of a SQLite database.
type database struct {
	dir    *PrivateDir // with the copy
	path   string      // of the copy
	db     *sql.DB
	tables map[string]bool
	// torn says how the file is damaged, as far as its size and its schema show.
	torn string
}

// openDatabase opens the copy of a database in dir, and closes dir with it. What a writer left in
// the write-ahead log, or half done in the file, is brought in or taken back in the copy. One that
// is damaged is opened all the same; db is nil where SQLite can make nothing of it.
func openDatabase(ctx context.Context, dir *PrivateDir) (*database, error) {
	d := &database{dir: dir, path: filepath.Join(dir.Path, copyName), tables: map[string]bool{}}
	short, err := fillUp(d.path)
	if err == nil {
		if short > 0 {
			d.torn = fmt.Sprintf("its last %d bytes are missing", short)
		}
		err = d.open(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, d.close())
	}
	return d, nil
}

func (d *database) open(ctx context.Context) error {
	u := url.URL{Scheme: "file", Path: filepath.ToSlash(d.path)}
	db, err := sql.Open("sqlite", u.String())
	if err != nil {
		return fmt.Errorf("open database: %w", err)
	}
	db.SetMaxOpenConns(4) // cursors over several tables at a time
	rows, err := db.QueryContext(ctx, "SELECT name FROM sqlite_master WHERE type = 'table'")
	if err == nil {
		defer rows.Close()
		for rows.Next() {
			var name string
			if err = rows.Scan(&name); err == nil {
				d.tables[name] = true
			}
		}
		err = errors.Join(err, rows.Err())
	}
	if err != nil {
		if ctx.Err() != nil {
			return errors.Join(ctx.Err(), db.Close())
		}
		d.torn = strings.TrimPrefix(err.Error(), "database ")
		return db.Close()
	}
	d.db = db
	return nil
}

// fillUp makes a copy that ends before its last page as long as its header says, with zero bytes,
// and returns how many were missing. SQLite refuses a shorter file whole.
func fillUp(path string) (missing int64, err error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return 0, fmt.Errorf("open copy: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	head := make([]byte, 100)
	if _, err := io.ReadFull(f, head); err != nil {
		return 0, nil // too short for a header: SQLite says what is wrong
	}
	info, err := f.Stat()
	if err != nil {
		return 0, fmt.Errorf("open copy: %w", err)
	}
	size := pageSize(head)
	want := int64(binary.BigEndian.Uint32(head[28:])) * size
	valid := string(head[24:28]) == string(head[92:96]) // else the count is of an old version's
	if !valid || want <= info.Size() || want > info.Size()+maxFill {
		if over := info.Size() % size; over != 0 && valid {
			return size - over, f.Truncate(info.Size() + size - over)
		}
		return 0, nil
	}
	return want - info.Size(), f.Truncate(want)
}

// maxFill bounds how much a copy grows because of what a header claims.
const maxFill = 1 << 40

// pageSize is the size that a database's header states; never 0.
func pageSize(head []byte) int64 {
	n := int64(binary.BigEndian.Uint16(head[16:]))
	if n == 1 {
		return 65536
	}
	return max(n, 512)
}

// columns returns the names of a table's columns.
func (d *database) columns(ctx context.Context, table string) (map[string]bool, error) {
	rows, err := d.db.QueryContext(ctx, "SELECT name FROM pragma_table_info(?)", table)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := map[string]bool{}
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, err
		}
		out[name] = true
	}
	return out, rows.Err()
}

func (d *database) close() error {
	var err error
	if d.db != nil {
		err = d.db.Close()
	}
	return errors.Join(err, d.dir.Close())
}

// rowValues scans the present row, whatever types its values have.
func rowValues(rows *sql.Rows, n int) ([]any, error) {
	values := make([]any, n)
	into := make([]any, n)
	for i := range values {
		into[i] = &values[i]
	}
	if err := rows.Scan(into...); err != nil {
		return nil, err
	}
	return values, nil
}

// textOf is a value of a row as text; "" for none.
func textOf(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case []byte:
		return string(v)
	default:
		return fmt.Sprint(v)
	}
}
