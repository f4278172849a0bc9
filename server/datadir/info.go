package datadir

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// InfoFile is the name of the file that says where the server listens.
const InfoFile = "server.json"

// Info says where the server of a data directory listens.
type Info struct {
	Addr  string `json:"addr"`            // of the script origin: "127.0.0.1:8080"
	Admin string `json:"admin,omitempty"` // of the admin origin; empty with --no-admin
	PID   int    `json:"pid"`
	// ScriptsURL and AdminURL are the same as URLs that this machine can open.
	ScriptsURL string `json:"scriptsUrl,omitempty"`
	AdminURL   string `json:"adminUrl,omitempty"`
}

// WriteInfo tells programs on this machine where the server listens.
func WriteInfo(dir string, info Info) error {
	b, err := json.Marshal(info)
	if err != nil {
		panic("datadir: strings and numbers are JSON: " + err.Error())
	}
	temporary, err := writeTemporary(dir, InfoFile, append(b, '\n'))
	if err == nil {
		err = os.Rename(temporary, filepath.Join(dir, InfoFile))
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", filepath.Join(dir, InfoFile), err)
	}
	return nil
}

// ReadInfo returns where the server listens, or an error that is
// fs.ErrNotExist. The server may have died without removing the file.
func ReadInfo(dir string) (Info, error) {
	var info Info
	path := filepath.Join(dir, InfoFile)
	b, err := os.ReadFile(path)
	if err != nil {
		return info, fmt.Errorf("find the running server: %w", err)
	}
	if err := json.Unmarshal(b, &info); err != nil {
		return info, fmt.Errorf("%s is damaged (%w); delete it and start the server again", path, err)
	}
	return info, nil
}

// RemoveInfo removes the file, unless another process has written it since.
func RemoveInfo(dir string, pid int) error {
	info, err := ReadInfo(dir)
	if errors.Is(err, fs.ErrNotExist) || err == nil && info.PID != pid {
		return nil
	}
	if err := os.Remove(filepath.Join(dir, InfoFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove %s: %w", InfoFile, err)
	}
	return nil
}
