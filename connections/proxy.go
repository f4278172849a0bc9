package connections

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// NoProxy is the Proxy of an upstream that is reached without one, whatever the
// environment says.
const NoProxy = "none"

// checkProxy reports what can not be the URL of a proxy. Its text may have a
// password, so that no message quotes it.
func checkProxy(text string) error {
	if text == "" || text == NoProxy {
		return nil
	}
	u, err := url.Parse(secretRef.ReplaceAllString(text, "x"))
	switch {
	case err != nil || u.Host == "" || !slices.Contains([]string{"http", "https", "socks5", "socks5h"}, u.Scheme):
		return fmt.Errorf("proxy is not the URL of one; write http://, https:// or socks5:// and a host, or %s; what is special in a name or a password is written as %%40 for @ and so on", NoProxy)
	case u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.Fragment != "":
		return fmt.Errorf("proxy has more than a host; a proxy has no path")
	}
	if _, host, ok := strings.Cut(text, "@"); strings.Contains(host, "${secret:") || !ok && strings.Contains(text, "${secret:") {
		return fmt.Errorf("a secret can not be part of where the proxy is; put it before the @, as the name or the password")
	}
	return nil
}
