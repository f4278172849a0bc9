package web

// Kinds of calls that globals make. reprise:http and reprise:run make the same ones.
const (
	KindHTTP  = "http.request"
	KindTimer = "timer"
)

// Timer is the Args of a "timer" call: the outcome comes after MS
// milliseconds, with an empty value.
type Timer struct {
	MS int64 `json:"ms"`
}

// HTTPRequest is the Args of an "http.request" call; the request body is the
// call's Body. Header values, the URL and the body may hold secret tokens,
// which the host replaces.
type HTTPRequest struct {
	// Connection names an upstream ("self"); URL is then a path below its base.
	Connection string      `json:"connection,omitempty"`
	Method     string      `json:"method"`
	URL        string      `json:"url"`
	Headers    [][2]string `json:"headers,omitempty"`
	Redirect   string      `json:"redirect,omitempty"` // "follow" (default), "error", "manual"
	TimeoutMS  int64       `json:"timeoutMs,omitempty"`
	Retry      *HTTPRetry  `json:"retry,omitempty"`
	Auth       *HTTPAuth   `json:"auth,omitempty"`
	// IdempotencyKey makes a write keyed; it is sent as Idempotency-Key.
	IdempotencyKey string `json:"idempotencyKey,omitempty"`
	// InDoubt is what becomes of a write that nobody keyed if the server dies
	// while it is performed: "pause" (default), "retry" or "fail".
	InDoubt string `json:"inDoubt,omitempty"`
	// KeepAuth has the auth of the connection win over an Authorization header of
	// the script's.
	KeepAuth bool `json:"keepAuth,omitempty"`
	// Stream gives the script the response as soon as its head is there, while the
	// body is still arriving. A durable run keeps bodies whole all the same.
	Stream bool `json:"stream,omitempty"`
}

// HTTPRetry says how often and when a request is tried again.
type HTTPRetry struct {
	Attempts   int     `json:"attempts"` // in all; 1 means never again
	DelayMS    int64   `json:"delayMs,omitempty"`
	Factor     float64 `json:"factor,omitempty"`
	MaxDelayMS int64   `json:"maxDelayMs,omitempty"`
	Jitter     bool    `json:"jitter,omitempty"`
	Statuses   []int   `json:"statuses,omitempty"`
}

// HTTPAuth says how the host authenticates a request. Credentials are secret
// tokens, never values.
type HTTPAuth struct {
	Type         string   `json:"type"` // "bearer", "basic", "apiKey", "oauth2", "standardWebhooks"
	Token        string   `json:"token,omitempty"`
	Username     string   `json:"username,omitempty"`
	Password     string   `json:"password,omitempty"`
	In           string   `json:"in,omitempty"` // "header" or "query"
	Name         string   `json:"name,omitempty"`
	TokenURL     string   `json:"tokenUrl,omitempty"`
	ClientID     string   `json:"clientId,omitempty"`
	ClientSecret string   `json:"clientSecret,omitempty"`
	Scopes       []string `json:"scopes,omitempty"`
	Audience     string   `json:"audience,omitempty"`
}

// HTTPResponse is the Value of an "http.request" outcome; the response body is
// the outcome's Body.
type HTTPResponse struct {
	Status     int         `json:"status"`
	StatusText string      `json:"statusText,omitempty"`
	URL        string      `json:"url"`
	Redirected bool        `json:"redirected,omitempty"`
	Headers    [][2]string `json:"headers"`
}
