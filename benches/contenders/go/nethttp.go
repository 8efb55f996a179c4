// The contender net/http of Go's standard library.
//
//	default   an http.Client whose Transport has a tls.Config, as in the package's documentation; it resumes no
//	          TLS session
//	best      the same with a ClientSessionCache, and all idle connections kept
//
// In both, all goroutines share one client. A Transport with its own tls.Config uses HTTP/1.1.
package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"
)

// timeout is the time limit of a call.
const timeout = 30 * time.Second

func config(to target) (*tls.Config, error) {
	bundle, err := os.ReadFile(to.caBundle)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(bundle) {
		return nil, fmt.Errorf("%s has no certificate", to.caBundle)
	}
	certificate, err := tls.LoadX509KeyPair(to.chain, to.key)
	if err != nil {
		return nil, err
	}
	return &tls.Config{RootCAs: roots, Certificates: []tls.Certificate{certificate}}, nil
}

func get(url string, transport *http.Transport) call {
	client := &http.Client{Transport: transport, Timeout: timeout}
	return func() error {
		response, err := client.Get(url)
		if err != nil {
			return err
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		if err != nil {
			return err
		}
		return check(response.StatusCode, body)
	}
}

func start(to target, settle func(*http.Transport)) (call, error) {
	configuration, err := config(to)
	if err != nil {
		return nil, err
	}
	transport := &http.Transport{TLSClientConfig: configuration}
	settle(transport)
	return get(to.url, transport), nil
}

func main() {
	contend(map[string]variant{
		"default": func(to target) (call, error) {
			return start(to, func(*http.Transport) {})
		},
		"best": func(to target) (call, error) {
			return start(to, func(transport *http.Transport) {
				// 0 is the default capacity, 64 hosts.
				transport.TLSClientConfig.ClientSessionCache = tls.NewLRUClientSessionCache(0)
				// The default is 2.
				transport.MaxIdleConnsPerHost = 64
				// Sends no Accept-Encoding, and prepares no decompression.
				transport.DisableCompression = true
			})
		},
	})
}
