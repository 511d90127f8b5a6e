package credentials

import (
	"bytes"
	"io"
	"os"
)

// readFile reads a file of no more than that many bytes, and tells what it was
// when it was read. Only a regular file: opening or reading another may never
// end. The mark that some editors put before the text is left out.
func readFile(path string, most int64) ([]byte, os.FileInfo, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, nil, invalid("not a regular file")
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = file.Close() }()
	if info, err = file.Stat(); err != nil {
		return nil, nil, err
	}
	data, err := io.ReadAll(io.LimitReader(file, most+1))
	if err == nil && int64(len(data)) > most {
		err = invalid("larger than %d bytes", most)
	}
	return bytes.TrimPrefix(data, []byte("\ufeff")), info, err
}
