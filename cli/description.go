package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"reprise/connections/openapi"
)

// downloadTimeout is how long the download of a description may take.
const downloadTimeout = time.Minute

// readDescription reads the description of an API from a file.
func readDescription(path string) (*openapi.API, error) {
	text, err := descriptionText(path)
	if err != nil {
		return nil, err
	}
	api, err := openapi.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return api, nil
}

// descriptionText reads a description from a file.
func descriptionText(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, usagef("the description can not be read: %w", err)
	}
	defer f.Close()
	return bounded(path, f)
}

// bounded reads no more than a description may have.
func bounded(source string, r io.Reader) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(r, openapi.MaxBytes+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s can not be read: %w", source, err)
	case len(text) > openapi.MaxBytes:
		return nil, fmt.Errorf("%s has more than %d MiB, the limit of a description", source, openapi.MaxBytes>>20)
	}
	return text, nil
}

// download reads a description from a URL, and says where redirects led.
func download(ctx context.Context, url string) (text []byte, from string, err error) {
	ctx, cancel := context.WithTimeout(ctx, downloadTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return nil, "", usagef("%w", err)
	}
	req.Header.Set("Accept", "application/json, application/yaml;q=0.9, */*;q=0.5")
	res, err := (&http.Client{}).Do(req)
	if err != nil {
		return nil, "", err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, "", errors.New("the description can not be had: GET " + url + " was answered with " + res.Status)
	}
	text, err = bounded(url, res.Body)
	return text, res.Request.URL.String(), err
}

// isURL tells a URL from a file.
func isURL(text string) bool {
	return strings.HasPrefix(text, "http://") || strings.HasPrefix(text, "https://")
}
