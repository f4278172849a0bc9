package cli

import (
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"net"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/joho/godotenv"
	"github.com/knadh/koanf/providers/confmap"
	"github.com/knadh/koanf/providers/env/v2"
	"github.com/knadh/koanf/providers/posflag"
	"github.com/knadh/koanf/v2"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"reprise/connections"
	"reprise/connections/vault"
	"reprise/runtime/call"
	"reprise/runtime/call/hosts"
)

// configFile is the project's settings file.
const configFile = "reprise.yaml"

// envPrefix begins the names of environment variables that are settings.
const envPrefix = "REPRISE_"

// Config is everything a server is told. See docs/reference/configuration.md.
type Config struct {
	Dir string // the project folder
	// Environment names the file that is laid over reprise.yaml; empty: none is.
	Environment string

	Addr      string
	Admin     string
	NoAdmin   bool
	Data      string
	LogFormat string // "text" or "json"
	TLSCert   string
	TLSKey    string
	Poll      bool

	// AdminHosts are further names that the admin origin goes by, for a proxy.
	AdminHosts []string

	LogRetention time.Duration
	LogMaxBytes  int64

	// RunRetention is how long finished runs are kept, RunMaxPerScript how many
	// of each script.
	RunRetention    time.Duration
	RunMaxPerScript int

	// Workers is how many processes execute scripts; with 0 this one does.
	// WorkerMemory is what each may take, in bytes.
	Workers      int
	WorkerMemory int64
	// RequireSandbox refuses to start where the system can not confine a worker.
	RequireSandbox bool

	// Limits are the most that a script may ask for.
	Limits call.Limits

	// EgressAllow lists what scripts may call; nil means every public host.
	EgressAllow []string

	// Env holds the plain values of env; SecretHosts where a secret may go.
	Env         map[string]any
	SecretHosts map[string][]string
	// Secrets are the values from the environment and, in dev, from .env.
	Secrets map[string]string

	// Connections are the APIs that scripts call by name.
	Connections []connections.Upstream
	// MasterKeyFile has the key of the secrets in the store; MasterKey is that key
	// if the environment has it. Without both there is a file of the user's own.
	MasterKeyFile string
	MasterKey     *vault.Key
}

// settings maps a setting's key to its flag.
var settings = withLimits(map[string]string{
	"addr": "addr", "admin": "admin", "noAdmin": "no-admin", "data": "data", "logFormat": "log-format",
	"adminHosts": "admin-hosts", "tlsCert": "tls-cert", "tlsKey": "tls-key", "poll": "poll",
	"logs.retention": "log-retention", "logs.maxBytes": "log-max-bytes",
	"runs.retention": "run-retention", "runs.maxPerScript": "run-max-per-script",
	"workers": "workers", "workerMemory": "worker-memory", "requireSandbox": "require-sandbox",
	"masterKeyFile": "master-key-file",
	"egress.allow":  "egress-allow",
})

// withLimits adds the limits of scripts to the settings.
func withLimits(settings map[string]string) map[string]string {
	for _, d := range call.AllLimits() {
		settings["limits."+d.Name] = d.Flag()
	}
	return settings
}

// loadConfig reads all sources for the project in dir. dev says that .env counts.
func loadConfig(cmd *cobra.Command, dir string, environ []string, dev bool) (*Config, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	environment, err := environmentOf(cmd, environ)
	if err != nil {
		return nil, err
	}
	f, err := readFiles(abs, environment)
	if err != nil {
		return nil, err
	}
	k := koanf.New(".")
	if err := k.Load(confmap.Provider(f.settings(abs), "."), nil); err != nil {
		return nil, err
	}
	if err := checkEnv(environ); err != nil {
		return nil, err
	}
	if err := k.Load(envProvider(environ), nil); err != nil {
		return nil, err
	}
	if err := k.Load(flagProvider(cmd, k), nil); err != nil {
		return nil, err
	}
	c := &Config{
		Dir: abs, Environment: environment, Addr: k.String("addr"), Admin: k.String("admin"), NoAdmin: k.Bool("noAdmin"), Data: k.String("data"),
		LogFormat: k.String("logFormat"), TLSCert: k.String("tlsCert"), TLSKey: k.String("tlsKey"), Poll: k.Bool("poll"),
		AdminHosts: fields(k.Get("adminHosts")), EgressAllow: fields(k.Get("egress.allow")), RequireSandbox: k.Bool("requireSandbox"),
		LogMaxBytes: k.Int64("logs.maxBytes"), RunMaxPerScript: k.Int("runs.maxPerScript"), Env: f.Env, SecretHosts: map[string][]string{},
	}
	for name, s := range f.Secrets {
		if s.Hosts != nil && len(s.Hosts) == 0 {
			return nil, usagef("%s: secrets.%s.hosts is empty; list the hosts that may get the secret, or leave hosts out to allow all", configFile, name)
		}
		if len(s.Hosts) > 0 {
			c.SecretHosts[name] = s.Hosts
		}
	}
	if c.LogRetention, err = duration(k, "logs.retention"); err != nil {
		return nil, err
	}
	if c.RunRetention, err = duration(k, "runs.retention"); err != nil {
		return nil, err
	}
	if err := c.readWorkers(k); err != nil {
		return nil, err
	}
	if c.Limits, err = readLimits(k); err != nil {
		return nil, err
	}
	if k.Exists("runs.maxPerScript") && c.RunMaxPerScript < 1 {
		return nil, usagef("--run-max-per-script is %d; it is 1 at least", c.RunMaxPerScript)
	}
	if environ, err = withDotEnv(abs, environ, dev); err != nil {
		return nil, err
	}
	c.Secrets = connections.SecretsIn(environ)
	if c.Connections, err = f.upstreams(abs, variables(environ)); err != nil {
		return nil, err
	}
	c.MasterKeyFile = k.String("masterKeyFile")
	if c.MasterKey, err = readMasterKey(environ); err != nil {
		return nil, err
	}
	return c, c.check()
}

// duration is a setting that is one; a command without it has none.
func duration(k *koanf.Koanf, key string) (time.Duration, error) {
	text := k.String(key)
	if text == "" {
		return 0, nil
	}
	d, err := call.ParseDuration(text)
	if err != nil {
		return 0, usagef("%s: %w", key, err)
	}
	return d, nil
}

// readLimits reads the most that a script may ask for; a command without the
// flags has the defaults of what the file does not say.
func readLimits(k *koanf.Koanf) (out call.Limits, err error) {
	for _, d := range call.AllLimits() {
		value := d.Default
		if text := k.String("limits." + d.Name); text != "" {
			if value, err = d.Parse(text); err != nil {
				return out, usagef("limits.%s (--%s): %w", d.Name, d.Flag(), err)
			}
		}
		d.Set(&out, value)
	}
	return out, nil
}

// fields is a list setting: a list in the file, text with commas elsewhere.
func fields(value any) []string {
	switch v := value.(type) {
	case []string:
		return v
	case string:
		if v == "" {
			return nil
		}
		return strings.FieldsFunc(v, func(r rune) bool { return r == ',' || r == ' ' })
	}
	return nil
}

func (c *Config) check() error {
	if c.LogFormat == "" {
		c.LogFormat = "text" // a command without the flag
	}
	if c.LogFormat != "text" && c.LogFormat != "json" {
		return usagef("--log-format is %q; it is text or json", c.LogFormat)
	}
	if c.LogMaxBytes < 0 {
		return usagef("--log-max-bytes is %d; it can not be negative", c.LogMaxBytes)
	}
	if (c.TLSCert == "") != (c.TLSKey == "") {
		return usagef("--tls-cert and --tls-key go together")
	}
	if c.Data == "" {
		c.Data = ".reprise" // a command without the flag
	}
	if !filepath.IsAbs(c.Data) {
		c.Data = filepath.Join(c.Dir, c.Data)
	}
	if rel, err := filepath.Rel(c.Data, filepath.Join(c.Dir, "scripts")); err == nil && filepath.IsLocal(rel) {
		// Nothing in the data folder is a script.
		return usagef("--data is %s, where the scripts are; choose a folder of its own", c.Data)
	}
	if c.MasterKeyFile != "" && c.inData(c.MasterKeyFile) {
		return usagef("--master-key-file is %s, in the data folder: whoever gets the data would have the key as well; put it somewhere else", c.MasterKeyFile)
	}
	if _, err := hosts.Parse(c.EgressAllow); err != nil {
		return usagef("egress.allow (--egress-allow): %w", err)
	}
	if _, ok := c.Env["self"]; ok {
		return usagef("%s: env.self is the built-in connection to this server; choose another name", configFile)
	}
	return nil
}

// checkAddresses reports an address that nothing can listen on. Only servers
// have addresses.
func (c *Config) checkAddresses() error {
	addresses := []struct{ flag, value string }{{"--addr", c.Addr}, {"--admin", c.Admin}}
	if c.NoAdmin {
		addresses = addresses[:1]
	}
	for _, a := range addresses {
		_, port, err := net.SplitHostPort(a.value)
		if err == nil {
			_, err = strconv.ParseUint(port, 10, 16)
		}
		if err != nil {
			return usagef("%s is %q; it is host:port, such as 127.0.0.1:8080", a.flag, a.value)
		}
	}
	return nil
}

// envKeys maps the variables that are settings, such as REPRISE_LOG_FORMAT
// (the flag's name in capitals), to their keys.
func envKeys() map[string]string {
	keys := map[string]string{}
	for key, flag := range settings {
		keys[envPrefix+strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))] = key
	}
	return keys
}

// checkEnv reports a variable whose value is not of its setting's type. koanf
// would take it for nothing.
func checkEnv(environ []string) error {
	keys := envKeys()
	for _, line := range environ {
		name, value, _ := strings.Cut(line, "=")
		if value == "" || !strings.HasPrefix(name, envPrefix) {
			continue
		}
		if err := checkEnvName(name, keys); err != nil {
			return err
		}
		switch keys[name] {
		case "noAdmin", "poll", "requireSandbox":
			if _, err := strconv.ParseBool(value); err != nil {
				return usagef("%s is %q; it is true or false", name, value)
			}
		case "logs.maxBytes":
			if _, err := strconv.ParseInt(value, 10, 64); err != nil {
				return usagef("%s is %q; it is a number of bytes", name, value)
			}
		case "runs.maxPerScript":
			if _, err := strconv.Atoi(value); err != nil {
				return usagef("%s is %q; it is a number of runs", name, value)
			}
		}
	}
	return nil
}

// checkEnvName reports a variable that looks like a misspelt setting. Others
// with our prefix may belong to somebody else.
func checkEnvName(name string, keys map[string]string) error {
	if keys[name] != "" || name == envPrefix+"TOKEN" || name == envVar || name == masterKeyVariable || strings.HasPrefix(name, connections.EnvPrefix) {
		return nil
	}
	known := make([]string, 0, len(keys))
	for _, k := range slices.Sorted(maps.Keys(keys)) {
		known = append(known, strings.TrimPrefix(k, envPrefix))
	}
	if near := call.Nearest(strings.TrimPrefix(name, envPrefix), known); near != "" {
		return usagef("%s is not a setting; did you mean %s%s?", name, envPrefix, near)
	}
	return nil
}

// envProvider reads the settings among the environment's variables.
func envProvider(environ []string) koanf.Provider {
	keys := envKeys()
	settings := slices.DeleteFunc(slices.Clone(environ), func(line string) bool {
		name, value, _ := strings.Cut(line, "=")
		return keys[name] == "" || value == "" // an empty variable is one that is not set
	})
	return env.Provider(".", env.Opt{
		EnvironFunc:   func() []string { return settings },
		TransformFunc: func(name, value string) (string, any) { return keys[name], value },
	})
}

// flagProvider reads the flags: those given, and the defaults of the others.
func flagProvider(cmd *cobra.Command, k *koanf.Koanf) koanf.Provider {
	keys := map[string]string{}
	for key, flag := range settings {
		keys[flag] = key
	}
	return posflag.ProviderWithFlag(cmd.Flags(), ".", k, func(f *pflag.Flag) (string, any) {
		return keys[f.Name], posflag.FlagVal(cmd.Flags(), f)
	})
}

// withDotEnv is the environment with, in dev, what .env has besides.
func withDotEnv(dir string, environ []string, dev bool) ([]string, error) {
	if !dev {
		return environ, nil
	}
	path := filepath.Join(dir, ".env")
	values, err := godotenv.Read(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, usagef("%s: %w", path, err)
	}
	lines := make([]string, 0, len(values)+len(environ))
	for k, v := range values {
		lines = append(lines, k+"="+v)
	}
	return append(lines, environ...), nil // the last one counts
}

// variables are those of an environment by name.
func variables(environ []string) map[string]string {
	out := make(map[string]string, len(environ))
	for _, line := range environ {
		name, value, _ := strings.Cut(line, "=")
		out[name] = value
	}
	return out
}

// addServeFlags declares the settings of a server on a command.
func addServeFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.String(envFlag, "", "environment: reprise.NAME.yaml is laid over reprise.yaml")
	f.String("addr", "127.0.0.1:8080", "address of the script origin")
	f.String("admin", "127.0.0.1:8081", "address of the studio and the admin API")
	f.String("admin-hosts", "", "further host names the admin origin goes by, such as a proxy's, with commas")
	f.Bool("no-admin", false, "do not serve the studio and the admin API")
	f.String("data", ".reprise", "data folder, relative to the project")
	f.String("log-format", "text", "what the terminal shows: text or json")
	f.String("tls-cert", "", "PEM file of the TLS certificate of the script origin")
	f.String("tls-key", "", "PEM file of its key")
	f.Bool("poll", false, "watch files by polling, for file systems without notifications")
	f.String("log-retention", "7 days", "how long log entries are kept")
	f.Int64("log-max-bytes", 1<<30, "how many bytes of log entries are kept")
	f.String("run-retention", "30 days", "how long finished runs are kept")
	f.Int("run-max-per-script", 10000, "how many finished runs of each script are kept")
	f.String("workers", "auto", "how many processes execute scripts; auto: one for each core, 0: none, the server does")
	f.String("worker-memory", "512MiB", "how much memory each of them may take")
	f.String("egress-allow", "", "what scripts may call, with commas: hosts, addresses, prefixes, public, loopback; all that is public by default")
	f.Bool("require-sandbox", false, "do not start where the system can not confine them")
	addMasterKeyFlag(f)
	for _, d := range call.AllLimits() {
		f.String(d.Flag(), d.Format(d.Default), "most a script may ask for: "+d.What)
	}
}

// envJSON is the JSON object of env's plain values.
func (c *Config) envJSON() ([]byte, error) {
	if len(c.Env) == 0 {
		return nil, nil
	}
	b, err := json.Marshal(c.Env)
	if err != nil {
		return nil, usagef("%s: env: %w", configFile, err)
	}
	return b, nil
}

// projectDir is the folder argument, or the current folder.
func projectDir(args []string) string {
	if len(args) > 0 {
		return args[0]
	}
	return "."
}
