package cli

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"reprise/connections"
	"reprise/runtime/call"
)

// load reads the settings of a server whose project has this reprise.yaml.
func load(t *testing.T, yaml string, environ []string, flags ...string) (*Config, error) {
	t.Helper()
	dir := t.TempDir()
	if yaml != "" {
		if err := os.WriteFile(filepath.Join(dir, configFile), []byte(yaml), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return loadIn(t, dir, environ, flags...)
}

// loadIn reads the settings of a server whose project is dir.
func loadIn(t *testing.T, dir string, environ []string, flags ...string) (*Config, error) {
	t.Helper()
	cmd := newServe(IO{})
	if err := cmd.ParseFlags(flags); err != nil {
		t.Fatal(err)
	}
	c, err := loadConfig(cmd, dir, environ, false)
	if err == nil {
		err = c.checkAddresses()
	}
	return c, err
}

func TestConfigPrecedence(t *testing.T) {
	// A flag wins over a variable, that over reprise.yaml, that over the default.
	c, err := load(t, "addr: 127.0.0.1:1\nadmin: 127.0.0.1:2\nlogFormat: json\nlogs:\n  retention: 2 days\nruns:\n  retention: 1 week\n  maxPerScript: 7\nworkers: 3\nenv: {region: eu}\n",
		[]string{"REPRISE_ADDR=127.0.0.1:3", "REPRISE_ADMIN=127.0.0.1:4", "REPRISE_SECRET_KEY=abcd", "REPRISE_RUN_MAX_PER_SCRIPT=8", "REPRISE_POLL=", "REPRISE_DATA=", ""}, "--addr", "127.0.0.1:5")
	if err != nil {
		t.Fatal(err)
	}
	want := &Config{
		Dir: c.Dir, Addr: "127.0.0.1:5", Admin: "127.0.0.1:4", Data: filepath.Join(c.Dir, ".reprise"), LogFormat: "json",
		LogRetention: 48 * time.Hour, LogMaxBytes: 1 << 30, RunRetention: 7 * 24 * time.Hour, RunMaxPerScript: 8, Workers: 3, WorkerMemory: 512 << 20, Env: map[string]any{"region": "eu"}, Limits: call.Limits{}.OrDefaults(),
		SecretHosts: map[string][]string{}, Secrets: map[string]string{"KEY": "abcd"},
	}
	if diff := cmp.Diff(want, c); diff != "" {
		t.Fatalf("(-want +got):\n%s", diff)
	}
}

func TestConnectionsOfTheFile(t *testing.T) {
	// Variables of the environment are put in, references to secrets stay.
	c, err := load(t, `
connections:
  shop: {baseURL: "${SHOP_URL}/v2"}
  crm:
    baseURL: https://crm.example.com
    auth: {apiKey: {cookie: key, value: "${secret:CRM}"}}
    headers: {X-Version: 2, X-Region: "${REGION}"}
    query: {v: 2.5, debug: true}
    timeout: 5s
    retry: {attempts: 5, delay: 1s, maxDelay: "2 minutes", factor: 3, statuses: [503]}
    rateLimit: {limit: 600, per: 1m, burst: 3}
    concurrency: 4
    proxy: "http://me:${secret:PW}@${PROXY}"
    allow: [upload.example.com]
  plain: {baseURL: "http://a", auth: {basic: {username: ada, password: "${secret:PW}"}}, retry: {}, rateLimit: {limit: 3}}
  s3: {baseURL: "http://a", auth: {aws: {service: s3, region: "${REGION}", accessKeyId: "${secret:ID}", secretAccessKey: "${secret:KEY}"}}}
  hooks: {baseURL: "http://a", auth: {hmac: {secret: "${secret:H}", keyEncoding: hex, algorithm: sha1, encoding: base64, message: "{body}", headers: {X-S: "{signature}"}}}}
  apple: {baseURL: "http://a", auth: {jwt: {algorithm: ES256, key: "${secret:J}", keyId: k, claims: {iss: me}, expires: 1m, prefix: JWT}}}
  asked: {baseURL: "http://a", auth: {oauth2: {grant: authorizationCode, tokenURL: "${SHOP_URL}/token", clientId: me, clientAuth: body, scopes: [a], authorizationURL: "${SHOP_URL}/authorize", authorizationParams: {access_type: offline, max_age: 0}, redirectURL: "https://hooks.example.com/_/oauth/callback"}}}
  robot: {baseURL: "http://a", auth: {oauth2: {grant: jwtBearer, tokenURL: "http://t/token", assertion: {key: "${secret:R}", keyId: k, claims: {sub: ada}, expires: 1m}}}}
  bought: {baseURL: "http://a", auth: {oauth2: {tokenURL: "http://t/token", clientId: me, clientSecret: "${secret:CS}", scopes: [a, b], audience: x}}}
`, []string{"SHOP_URL=https://shop.example.com", "REGION=eu", "PROXY=proxy:3128"})
	if err != nil {
		t.Fatal(err)
	}
	want := []connections.Upstream{
		{Name: "apple", BaseURL: "http://a", Auth: &connections.Auth{Type: "jwt", JWT: &connections.JWT{Algorithm: "ES256", Key: "${secret:J}", KeyID: "k", Claims: map[string]any{"iss": "me"}, Expires: time.Minute, Prefix: "JWT"}}},
		{Name: "asked", BaseURL: "http://a", Auth: &connections.Auth{Type: "oauth2", TokenURL: "https://shop.example.com/token", ClientID: "me", Scopes: []string{"a"}, OAuth2: connections.OAuth2{
			Grant: connections.GrantCode, ClientAuth: "body", AuthorizationURL: "https://shop.example.com/authorize", Params: map[string]string{"access_type": "offline", "max_age": "0"}, RedirectURL: "https://hooks.example.com/_/oauth/callback",
		}}},
		{Name: "bought", BaseURL: "http://a", Auth: &connections.Auth{Type: "oauth2", TokenURL: "http://t/token", ClientID: "me", ClientSecret: "${secret:CS}", Scopes: []string{"a", "b"}, Audience: "x"}},
		{
			Name: "crm", BaseURL: "https://crm.example.com", Auth: &connections.Auth{Type: "apiKey", In: "cookie", Name: "key", Token: "${secret:CRM}"},
			Headers: map[string]string{"X-Version": "2", "X-Region": "eu"}, Query: map[string]string{"v": "2.5", "debug": "true"}, Timeout: 5 * time.Second,
			Retry: &connections.Retry{Attempts: 5, Delay: time.Second, MaxDelay: 2 * time.Minute, Factor: 3, Statuses: []int{503}},
			Rate:  &connections.Rate{Limit: 600, Per: time.Minute, Burst: 3}, Concurrency: 4,
			Proxy: "http://me:${secret:PW}@proxy:3128", Allow: []string{"upload.example.com"},
		},
		{Name: "hooks", BaseURL: "http://a", Auth: &connections.Auth{Type: "hmac", HMAC: &connections.HMAC{Secret: "${secret:H}", KeyEncoding: "hex", Algorithm: "sha1", Encoding: "base64", Message: "{body}", Set: map[string]string{"X-S": "{signature}"}}}},
		{
			Name: "plain", BaseURL: "http://a", Auth: &connections.Auth{Type: "basic", Username: "ada", Password: "${secret:PW}"},
			Retry: &connections.Retry{Attempts: 3}, Rate: &connections.Rate{Limit: 3, Per: time.Second},
		},
		{Name: "robot", BaseURL: "http://a", Auth: &connections.Auth{Type: "oauth2", TokenURL: "http://t/token", OAuth2: connections.OAuth2{
			Grant: connections.GrantJWT, Assertion: &connections.JWT{Algorithm: "RS256", Key: "${secret:R}", KeyID: "k", Claims: map[string]any{"sub": "ada"}, Expires: time.Minute},
		}}},
		{Name: "s3", BaseURL: "http://a", Auth: &connections.Auth{Type: "aws", AWS: &connections.AWS{Service: "s3", Region: "eu", AccessKeyID: "${secret:ID}", SecretAccessKey: "${secret:KEY}"}}},
		{Name: "shop", BaseURL: "https://shop.example.com/v2"},
	}
	if diff := cmp.Diff(want, c.Connections); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestOverlay(t *testing.T) {
	// What an environment's file has wins, key by key, over reprise.yaml.
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("reprise.yaml", `
addr: 127.0.0.1:1
logs: {retention: 2 days, maxBytes: 5}
limits: {turnCpu: 2s, body: 1MiB}
env: {region: eu, stage: dev}
connections:
  crm: {baseURL: "http://dev", auth: {bearer: "${secret:DEV}"}, timeout: 5s}
  shop: {baseURL: "http://shop"}
`)
	write("reprise.prod.yaml", `
logs: {maxBytes: 7}
limits: {body: 2MiB}
env: {stage: prod}
connections:
  crm: {baseURL: "http://prod", auth: {basic: {username: ada, password: "${secret:PW}"}}}
  mail: {baseURL: "http://mail"}
`)
	c, err := loadIn(t, dir, []string{"REPRISE_ENV=prod"})
	if err != nil {
		t.Fatal(err)
	}
	if c.Addr != "127.0.0.1:1" || c.LogRetention != 48*time.Hour || c.LogMaxBytes != 7 || c.Limits.TurnCPU != 2*time.Second || c.Limits.Body != 2<<20 {
		t.Errorf("settings = %+v", c)
	}
	if diff := cmp.Diff(map[string]any{"region": "eu", "stage": "prod"}, c.Env); diff != "" {
		t.Error(diff)
	}
	want := []connections.Upstream{
		{Name: "crm", BaseURL: "http://prod", Auth: &connections.Auth{Type: "basic", Username: "ada", Password: "${secret:PW}"}, Timeout: 5 * time.Second},
		{Name: "mail", BaseURL: "http://mail"},
		{Name: "shop", BaseURL: "http://shop"},
	}
	if diff := cmp.Diff(want, c.Connections); diff != "" {
		t.Error(diff)
	}
	if c, err = loadIn(t, dir, []string{"REPRISE_ENV=prod"}, "--env", ""); err != nil || c.LogMaxBytes != 5 {
		t.Errorf("the flag wins: %v, %v", c, err)
	}
	for _, name := range []string{"test", "../prod"} {
		if _, err := loadIn(t, dir, nil, "--env", name); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("--env %s: %v", name, err)
		}
	}
}

func TestPathsOfTheFile(t *testing.T) {
	// reprise.yaml names files beside it, a flag those of the current folder.
	c, err := load(t, "tlsCert: cert.pem\ntlsKey: /etc/key.pem\n", nil)
	if err != nil || c.TLSCert != filepath.Join(c.Dir, "cert.pem") || c.TLSKey != "/etc/key.pem" {
		t.Fatalf("%q, %q, %v", c.TLSCert, c.TLSKey, err)
	}
	if c, err = load(t, "", nil, "--tls-cert", "cert.pem", "--tls-key", "key.pem"); err != nil || c.TLSCert != "cert.pem" {
		t.Fatalf("%q, %v", c.TLSCert, err)
	}
}

func TestLimitsOfAServer(t *testing.T) {
	// Each limit is a key, a variable and a flag; sizes and times are read in the
	// forms that a config has.
	c, err := load(t, "limits:\n  turnCpu: 3s\n  body: 64MiB\n  result: 5000\n  calls: 50\n", []string{"REPRISE_LIMIT_BODY=1MB", "REPRISE_LIMIT_LOG_RATE=7"}, "--limit-calls", "70")
	if err != nil {
		t.Fatal(err)
	}
	want := call.Limits{TurnCPU: 3 * time.Second, Body: 1_000_000, Result: 5000, Calls: 70, LogRate: 7}.OrDefaults()
	if c.Limits != want {
		t.Errorf("got %+v, want %+v", c.Limits, want)
	}
	yaml := "limits:\n"
	for _, d := range call.AllLimits() {
		yaml += "  " + d.Name + ": " + d.Format(d.Least) + "\n"
	}
	if c, err = load(t, yaml, nil); err != nil {
		t.Fatal(err)
	}
	for _, d := range call.AllLimits() {
		if d.Of(c.Limits) != d.Least {
			t.Errorf("%s is %d", d.Name, d.Of(c.Limits))
		}
	}
}

func TestEgressOfAServer(t *testing.T) {
	// No list is another thing than an empty one: nothing may be called then.
	for name, tc := range map[string]struct {
		yaml  string
		env   []string
		flags []string
		want  []string
	}{
		"nothing said":   {},
		"nothing listed": {yaml: "egress: {allow: []}\n", want: []string{}},
		"the file":       {yaml: "egress:\n  allow: [public, 10.0.0.0/8]\n", want: []string{"public", "10.0.0.0/8"}},
		"a variable":     {yaml: "egress: {allow: []}\n", env: []string{"REPRISE_EGRESS_ALLOW=a.example.com, *.b.example.com:443"}, want: []string{"a.example.com", "*.b.example.com:443"}},
		"a flag":         {env: []string{"REPRISE_EGRESS_ALLOW=public"}, flags: []string{"--egress-allow", "public,loopback"}, want: []string{"public", "loopback"}},
	} {
		c, err := load(t, tc.yaml, tc.env, tc.flags...)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if d := cmp.Diff(tc.want, c.EgressAllow); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
}

func TestDataFolder(t *testing.T) {
	// A command that keeps nothing still has a data folder that is not the
	// project: what is in the data folder is no script.
	cmd := newRun(IO{})
	if err := cmd.ParseFlags(nil); err != nil {
		t.Fatal(err)
	}
	c, err := loadConfig(cmd, t.TempDir(), nil, true)
	if err != nil || c.Data != filepath.Join(c.Dir, ".reprise") {
		t.Fatalf("data = %q, %v", c.Data, err)
	}
}

func TestConfigErrors(t *testing.T) {
	// Each mistake is a usage error that names the place and what is expected.
	for name, tc := range map[string]struct {
		yaml, env string
		flags     []string
		want      string
	}{
		"unknown key":      {yaml: "addr: 127.0.0.1:0\nadress: x\n", want: "reprise.yaml:2:1: there is no setting \"adress\"\n   1 | addr: 127.0.0.1:0\n>  2 | adress: x\n       ^"},
		"wrong type":       {yaml: "noAdmin: maybe\n", want: "reprise.yaml:1:10: this is text; it should be true or false"},
		"syntax":           {yaml: "addr: [1\n", want: "reprise.yaml:1:7: "},
		"key twice":        {yaml: "env:\n  a: 1\n  a: 2\n", want: "reprise.yaml:3:3: "},
		"env.self":         {yaml: "env: {self: 1}\n", want: "env.self is the built-in connection"},
		"two auths":        {yaml: "connections: {crm: {baseURL: \"http://a\", auth: {bearer: x, basic: {username: y}}}}\n", want: "connections.crm.auth: it has 2 of bearer, basic, apiKey, oauth2, aws, hmac and jwt; it needs one"},
		"unknown grant":    {yaml: "connections: {crm: {baseURL: \"http://a\", auth: {oauth2: {grant: implicit, tokenURL: \"http://t\", clientId: me}}}}\n", want: `crm: auth oauth2 has no grant "implicit"`},
		"expires":          {yaml: "connections: {crm: {baseURL: \"http://a\", auth: {oauth2: {grant: jwtBearer, tokenURL: \"http://t\", assertion: {key: k, expires: soon}}}}}\n", want: "connections.crm.auth.oauth2.assertion.expires"},
		"apiKey nowhere":   {yaml: "connections: {crm: {baseURL: \"http://a\", auth: {apiKey: {value: y}}}}\n", want: "connections.crm.auth.apiKey: it needs one of header, query and cookie"},
		"no base URL":      {yaml: "connections: {crm: {}}\n", want: `crm: the base URL "" is not an absolute http or https URL`},
		"no variable":      {yaml: "connections: {crm: {baseURL: \"${CRM_URL}\"}}\n", want: "connections.crm.baseURL: the variable CRM_URL is not set"},
		"secret variable":  {yaml: "connections: {crm: {baseURL: \"http://a\", auth: {bearer: \"${REPRISE_SECRET_X}\"}}}\n", want: "write ${secret:X}"},
		"secret host":      {yaml: "connections: {crm: {baseURL: \"http://${secret:X}/\"}}\n", want: "a secret can not be part of where a connection leads"},
		"secret name":      {yaml: "connections: {crm: {baseURL: \"http://a\", auth: {bearer: \"${secret:a b}\"}}}\n", want: `"a b" can not be the name of a secret`},
		"connection name":  {yaml: "connections: {\"a b\": {baseURL: \"http://a\"}}\n", want: `"a b" can not be the name of a connection`},
		"connection self":  {yaml: "connections: {self: {baseURL: \"http://a\"}}\n", want: `"self" is the server itself`},
		"name in env":      {yaml: "env: {crm: 1}\nconnections: {crm: {baseURL: \"http://a\"}}\n", want: "scripts would have both as env.crm"},
		"no concurrency":   {yaml: "connections: {crm: {baseURL: \"http://a\", concurrency: 0}}\n", want: "connections.crm.concurrency: it is 0"},
		"rate":             {yaml: "connections: {crm: {baseURL: \"http://a\", rateLimit: {per: 1s}}}\n", want: "rateLimit is 0 in 1s"},
		"retry":            {yaml: "connections: {crm: {baseURL: \"http://a\", retry: {attempts: 101}}}\n", want: "connections.crm.retry.attempts: it is 101"},
		"connection time":  {yaml: "connections: {crm: {baseURL: \"http://a\", timeout: soon}}\n", want: "connections.crm.timeout: "},
		"connection key":   {yaml: "connections: {crm: {baseUrl: \"http://a\"}}\n", want: `there is no setting "baseUrl"; did you mean baseURL?`},
		"proxy":            {yaml: "connections: {crm: {baseURL: \"http://a\", proxy: \"me:pw@proxy\"}}\n", want: "crm: proxy is not the URL of one"},
		"allow":            {yaml: "connections: {crm: {baseURL: \"http://a\", allow: [\"*.example.com\"]}}\n", want: `crm: allow: "*.example.com" is not a host`},
		"tls, no https":    {yaml: "connections: {crm: {baseURL: \"http://a\", tls: {serverName: b}}}\n", want: "crm: tls is set, and the base URL does not begin with https://"},
		"header value":     {yaml: "connections: {crm: {baseURL: \"http://a\", headers: {X: [1]}}}\n", want: "connections.crm.headers.X: it is text or a number"},
		"no hosts":         {yaml: "secrets: {A: {hosts: []}}\n", want: "secrets.A.hosts is empty"},
		"retention":        {yaml: "logs: {retention: soon}\n", want: "logs.retention: "},
		"run retention":    {yaml: "runs: {retention: later}\n", want: "runs.retention: "},
		"negative age":     {flags: []string{"--run-retention", "-1s"}, want: "-1s"},
		"variable runs":    {env: "REPRISE_RUN_MAX_PER_SCRIPT=1.5", want: `REPRISE_RUN_MAX_PER_SCRIPT is "1.5"`},
		"no runs":          {yaml: "runs: {maxPerScript: 0}\n", want: "--run-max-per-script is 0; it is 1 at least"},
		"variable bool":    {env: "REPRISE_NO_ADMIN=maybe", want: `REPRISE_NO_ADMIN is "maybe"; it is true or false`},
		"variable number":  {env: "REPRISE_LOG_MAX_BYTES=many", want: `REPRISE_LOG_MAX_BYTES is "many"`},
		"variable address": {env: "REPRISE_ADMIN=8081", want: `--admin is "8081"; it is host:port`},
		"address":          {flags: []string{"--addr", "127.0.0.1:99999"}, want: `--addr is "127.0.0.1:99999"`},
		"empty address":    {yaml: "addr: \"\"\n", want: `--addr is ""`},
		"data is project":  {flags: []string{"--data", "."}, want: "where the scripts are"},
		"data is scripts":  {flags: []string{"--data", "scripts"}, want: "where the scripts are"},
		"data is above":    {flags: []string{"--data", ".."}, want: "where the scripts are"},
		"negative":         {flags: []string{"--log-max-bytes", "-1"}, want: "can not be negative"},
		"format":           {flags: []string{"--log-format", "xml"}, want: "it is text or json"},
		"limit":            {yaml: "limits:\n  turnCpu: soon\n", want: "reprise.yaml:2:12: limits.turnCpu: \"soon\" is not a duration"},
		"unknown limit":    {yaml: "limits:\n  cpu: 1s\n", want: "reprise.yaml:2:3: there is no setting \"cpu\""},
		"no limit":         {yaml: "limits: { body: [1] }\n", want: "limits.body: \"[1]\" is not a size"},
		"limit too high":   {yaml: "limits: { callDepth: 5000 }\n", want: "reprise.yaml:1:22: limits.callDepth: it can be 50 to 4000, not 5000"},
		"limit flag":       {flags: []string{"--limit-body", "3M"}, want: `limits.body (--limit-body): "3M" is not a size: "M" could be MB (of 1,000) or MiB (of 1,024); write which`},
		"limit variable":   {env: "REPRISE_LIMIT_CALLS=0", want: "limits.calls (--limit-calls): it can be 10 to 10000000, not 0"},
		"misspelt limit":   {env: "REPRISE_LIMIT_TURNCPU=1s", want: "did you mean REPRISE_LIMIT_TURN_CPU?"},
		"egress entry":     {yaml: "egress: {allow: [public, \"https://x/\"]}\n", want: "egress.allow (--egress-allow): \"https://x/\": it is a URL; write the host alone"},
		"egress flag":      {flags: []string{"--egress-allow", "public,10.1.2.3/8"}, want: "\"10.1.2.3/8\": it has bits behind its 8; write 10.0.0.0/8"},
		"egress no list":   {yaml: "egress: {allow: public}\n", want: "reprise.yaml:1:17: "},
		"egress unknown":   {yaml: "egress:\n  deny: []\n", want: "reprise.yaml:2:3: there is no setting \"deny\""},
		"half a key pair":  {flags: []string{"--tls-cert", "x"}, want: "go together"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := load(t, tc.yaml, []string{tc.env}, tc.flags...)
			var usage *usageError
			if !errors.As(err, &usage) || !strings.Contains(err.Error(), tc.want) {
				t.Fatalf("err = %v, want %q", err, tc.want)
			}
		})
	}
}

func TestMisspeltVariables(t *testing.T) {
	// A variable that was meant as a setting is not ignored; others are not ours.
	if err := checkEnv([]string{"REPRISE_ADR=:1"}); err == nil || !strings.Contains(err.Error(), "did you mean REPRISE_ADDR") {
		t.Errorf("err = %v", err)
	}
	for _, name := range []string{"REPRISE_SECRET_ADRR", "REPRISE_TOKEN", "REPRISE_BENCH_ROLE", "ADR", "REPRISE_ADDR"} {
		if err := checkEnv([]string{name + "=x"}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
