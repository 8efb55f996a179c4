/*
 * libdcs: client library for the UK Document Checking Service (DCS).
 *
 * Generated from src/ffi; do not edit.
 *
 * Ownership: what a `_new` function or an out-parameter gives is the caller's, who frees it with the
 * matching `_free`. Texts that a function returns are borrowed and live until their owner is freed.
 * Arguments are copied.
 *
 * Errors: a function that can fail returns a dcs_code. Its `error` out-parameter may be NULL; on success
 * it is set to NULL, on failure it receives a dcs_error, which the caller frees. Other out-parameters are
 * set to NULL on failure. A NULL handle, a NULL required argument and text that is not UTF-8 give
 * DCS_ERR_INVALID_ARGUMENT.
 *
 * Text is NUL-terminated UTF-8, in and out.
 *
 * Threads: each type says who may use it. The library installs no signal handler, prints nothing, reads
 * the environment in dcs_config_load_env only, and never ends the process.
 */

#ifndef DCS_H
#define DCS_H

#include <stddef.h>
#include <stdint.h>

/* Codes: from 100 the caller's input, from 200 the network, from 300 TLS, from 400 the service's
 * answers (where an HTTP status has a code of its own the numbers agree), 900 the library itself. */

/* Success. */
#define DCS_OK 0

/* An argument is NULL, is not UTF-8, or has a value that the option does not take: a URL that is
 * not https, a timeout of 0. */
#define DCS_ERR_INVALID_ARGUMENT 100

/* A file cannot be read. */
#define DCS_ERR_FILE 101

/* The CA bundle holds no usable CA certificate. */
#define DCS_ERR_CA_BUNDLE 102

/* The client certificate cannot be used. */
#define DCS_ERR_CERTIFICATE 103

/* The private key cannot be used. */
#define DCS_ERR_PRIVATE_KEY 104

/* The private key is encrypted, and the password is missing or wrong. */
#define DCS_ERR_PASSWORD 105

/* The private key is not the certificate's. */
#define DCS_ERR_KEY_MISMATCH 106

/* The host name cannot be resolved. */
#define DCS_ERR_RESOLVE 200

/* No TCP connection can be made. */
#define DCS_ERR_CONNECT 201

/* The proxy cannot be reached or refuses the connection. */
#define DCS_ERR_PROXY 202

/* A time limit has passed; the message names the phase. */
#define DCS_ERR_TIMEOUT 203

/* The server closed or reset the connection before its answer was complete. */
#define DCS_ERR_CONNECTION_LOST 204

/* The CA bundle does not lead to the server's certificate ("unable to get local issuer
 * certificate"). */
#define DCS_ERR_SERVER_UNTRUSTED 300

/* The server's certificate is expired, not yet valid, for another purpose, or wrongly signed. */
#define DCS_ERR_SERVER_CERTIFICATE 301

/* The server's certificate is for another host. */
#define DCS_ERR_SERVER_NAME 302

/* The server wants a client certificate and none was sent ("No required SSL certificate was sent"). */
#define DCS_ERR_CLIENT_CERT_REQUIRED 303

/* The server does not accept the client certificate ("The SSL certificate error"). */
#define DCS_ERR_CLIENT_CERT_REJECTED 304

/* The TLS handshake failed for another reason: no common version or cipher, not TLS at all, or an
 * alert. */
#define DCS_ERR_TLS 305

/* HTTP 400: the service finds fault with the request. */
#define DCS_ERR_BAD_REQUEST 400

/* HTTP 403: the quota of checks is used up for good. */
#define DCS_ERR_QUOTA_EXCEEDED 403

/* HTTP 404: the URL's path is wrong. */
#define DCS_ERR_NOT_FOUND 404

/* HTTP 429: this client's own rate limit is exceeded. */
#define DCS_ERR_RATE_LIMITED 429

/* Any other HTTP status than 200 and those with a code of their own. */
#define DCS_ERR_HTTP 450

/* The answer is not the JSON that it should be, was cut short, or is larger than the limit. */
#define DCS_ERR_RESPONSE 460

/* HTTP 503: all clients together are over the limit. */
#define DCS_ERR_UNAVAILABLE 503

/* A fault in the library itself. */
#define DCS_ERR_INTERNAL 900

/**
 * A client. Owned by the caller, who frees it with `dcs_client_free` when no call is in flight any more.
 *
 * Shared freely: any number of threads call it at once. Make one and keep it for as long as the service
 * runs: it holds the connections that the server keeps alive and the TLS sessions to resume.
 */
typedef struct dcs_client dcs_client;

/**
 * A configuration. Owned by the caller, who frees it with `dcs_config_free`; used by one thread at a time.
 *
 * Setting a file only notes it: it is read when a client is made. All that is passed in is copied. A
 * setter that fails leaves the configuration as it was. Every setter returns `DCS_ERR_INVALID_ARGUMENT`
 * where the configuration or a required argument is NULL or a text is not UTF-8.
 */
typedef struct dcs_config dcs_config;

/**
 * A failure in words. Owned by the caller, who frees it with `dcs_error_free`; its texts live until then.
 * It never changes, so threads may read it at once. It holds no secret.
 */
typedef struct dcs_error dcs_error;

/**
 * The DCS's answer to the status call. Owned by the caller, who frees it with `dcs_status_response_free`;
 * its texts live until then, also when the client is freed before. It never changes, so threads may read
 * it at once.
 */
typedef struct dcs_status_response dcs_status_response;

/**
 * What became of a call: `DCS_OK` or one of the `DCS_ERR_` constants. Numbers are only ever added.
 */
typedef int32_t dcs_code;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * The library's version, such as "0.1.0". Lives forever.
 */
const char *dcs_version(void);

/**
 * The version of this C ABI: 1. A binding refuses to load a library whose number differs from the one it
 * was made for.
 */
uint32_t dcs_abi_version(void);

/**
 * The name of a code, such as "DCS_ERR_KEY_MISMATCH". NULL for a number that was never given out.
 * Lives forever.
 */
const char *dcs_code_name(dcs_code code);

/**
 * The general advice for a code, in a sentence. An error's own `dcs_error_hint` is usually more specific.
 * NULL for a number that was never given out. Lives forever.
 */
const char *dcs_code_hint(dcs_code code);

/**
 * The code; `DCS_OK` for NULL.
 */
dcs_code dcs_error_code(const dcs_error *error);

/**
 * What happened, with the file, host or field it concerns. NULL for NULL.
 */
const char *dcs_error_message(const dcs_error *error);

/**
 * What to do about it, in a sentence to act on. NULL for NULL.
 */
const char *dcs_error_hint(const dcs_error *error);

/**
 * The name of the check that explains the failure, such as "DCS_CHECK_CERT_NOT_EXPIRED". NULL where none
 * does, and for NULL.
 */
const char *dcs_error_check(const dcs_error *error);

/**
 * The HTTP status of the answer. 0 where none came, and for NULL.
 */
int32_t dcs_error_http_status(const dcs_error *error);

/**
 * The number of the TLS alert that the server sent (RFC 8446, section 6). -1 where none came, and for NULL.
 */
int32_t dcs_error_tls_alert(const dcs_error *error);

/**
 * The operating system's error number: errno, or the WSA code on Windows. 0 where none came, and for NULL.
 */
int32_t dcs_error_os_code(const dcs_error *error);

/**
 * 1 where the same call may succeed later without anybody changing anything, else 0; 0 for NULL.
 */
int32_t dcs_error_retryable(const dcs_error *error);

/**
 * How long the service asked to wait (Retry-After), in milliseconds. -1 where it did not, and for NULL.
 */
int64_t dcs_error_retry_after_ms(const dcs_error *error);

/**
 * Frees an error. NULL does nothing.
 */
void dcs_error_free(dcs_error *error);

/**
 * A configuration with the defaults: the DCS's integration endpoint, no files, no proxy, 10 s to connect
 * and 30 s for the whole call. NULL only where something goes wrong in the library itself.
 */
dcs_config *dcs_config_new(void);

/**
 * Frees a configuration and wipes what is secret in it. Clients made from it live on. NULL does nothing.
 */
void dcs_config_free(dcs_config *config);

/**
 * The endpoint's full URL, used as it is; https only. Default: the integration endpoint,
 * `https://dcs-integration.ida.digital.cabinet-office.gov.uk/checks/passport`.
 *
 * `DCS_ERR_INVALID_ARGUMENT` for a URL that is not https, has no valid host, or holds a user name; to get
 * that in words, use `dcs_config_set_option`.
 */
dcs_code dcs_config_set_url(dcs_config *config, const char *url);

/**
 * The path of the CA bundle: the PEM certificates that the server's certificate must lead to.
 */
dcs_code dcs_config_set_ca_bundle_file(dcs_config *config, const char *path);

/**
 * The CA bundle's content: `len` bytes of PEM.
 */
dcs_code dcs_config_set_ca_bundle(dcs_config *config, const uint8_t *data, size_t len);

/**
 * The path of the client certificate: PEM, the leaf, with or without its intermediates. What is missing of
 * its chain is taken from the CA bundle.
 */
dcs_code dcs_config_set_certificate_file(dcs_config *config, const char *path);

/**
 * The client certificate's content: `len` bytes of PEM.
 */
dcs_code dcs_config_set_certificate(dcs_config *config, const uint8_t *data, size_t len);

/**
 * The path of the private key: PEM, as PKCS#1, PKCS#8, encrypted PKCS#8 or SEC1. It may be the
 * certificate's file, where that holds both.
 */
dcs_code dcs_config_set_private_key_file(dcs_config *config, const char *path);

/**
 * The private key's content: `len` bytes of PEM. The copy is wiped when the configuration is freed.
 */
dcs_code dcs_config_set_private_key(dcs_config *config, const uint8_t *data, size_t len);

/**
 * The password of an encrypted private key. NULL, the default: none.
 */
dcs_code dcs_config_set_private_key_password(dcs_config *config, const char *password);

/**
 * The limit for look-up, TCP and TLS together, in milliseconds. Default: 10 000.
 * `DCS_ERR_INVALID_ARGUMENT` for 0.
 */
dcs_code dcs_config_set_connect_timeout_ms(dcs_config *config, uint32_t ms);

/**
 * The limit for the whole call, in milliseconds. Default: 30 000. `DCS_ERR_INVALID_ARGUMENT` for 0.
 */
dcs_code dcs_config_set_timeout_ms(dcs_config *config, uint32_t ms);

/**
 * An HTTP proxy to tunnel through with CONNECT: `http://[user:password@]host:port`, special characters
 * percent-encoded. NULL, the default: none. `DCS_ERR_INVALID_ARGUMENT` for a URL of another form.
 */
dcs_code dcs_config_set_proxy(dcs_config *config, const char *url);

/**
 * Sets an option by its name, from text, and says in words what is wrong with a value that is refused.
 *
 * Names: "url", "ca_bundle", "certificate", "private_key" (each a path, or PEM text where the value contains
 * "-----BEGIN"), "private_key_password", "proxy", "timeout_ms", "connect_timeout_ms".
 */
dcs_code dcs_config_set_option(dcs_config *config, const char *name, const char *value, dcs_error **error);

/**
 * Takes the options that are set in the environment; no other function looks there.
 *
 * Variables: DCS_URL, DCS_CA_BUNDLE, DCS_CERTIFICATE, DCS_PRIVATE_KEY (each a path, or PEM text where the
 * value contains "-----BEGIN"), DCS_PRIVATE_KEY_PASSWORD, DCS_PROXY, DCS_TIMEOUT_MS,
 * DCS_CONNECT_TIMEOUT_MS. One that is not set or empty leaves its option as it is. On a failure, which
 * names the variable, the configuration is unchanged. No other thread may change the environment
 * meanwhile, as for getenv.
 */
dcs_code dcs_config_load_env(dcs_config *config, dcs_error **error);

/**
 * Reads the files and makes a client; nothing is sent yet. The configuration is only borrowed: the caller
 * still owns it and may make several clients from it.
 *
 * A client without certificate and key can be made: the server then says what it thinks of it. One with
 * only one of the two cannot.
 *
 * Errors: `DCS_ERR_FILE`, `DCS_ERR_CA_BUNDLE`, `DCS_ERR_CERTIFICATE`, `DCS_ERR_PRIVATE_KEY`,
 * `DCS_ERR_PASSWORD`, `DCS_ERR_KEY_MISMATCH`, `DCS_ERR_INVALID_ARGUMENT`.
 */
dcs_code dcs_client_new(const dcs_config *config, dcs_client **client, dcs_error **error);

/**
 * Frees a client and closes its idle connections. NULL does nothing.
 */
void dcs_client_free(dcs_client *client);

/**
 * Asks the DCS for its status: GET to the endpoint, in the calling thread, which waits for the answer.
 *
 * `DCS_OK` for every well-formed 200, also where the DCS says that it is not available: that is an
 * answer. The call ends by its timeouts; no redirect is followed. Where a connection that was kept alive
 * turns out to be dead before a byte of the answer came, the call is made again, once, on a new one.
 *
 * Errors: those of the network (`DCS_ERR_RESOLVE` to `DCS_ERR_CONNECTION_LOST`), of TLS
 * (`DCS_ERR_SERVER_UNTRUSTED` to `DCS_ERR_TLS`) and of the service (`DCS_ERR_BAD_REQUEST` to
 * `DCS_ERR_UNAVAILABLE`), and `DCS_ERR_INVALID_ARGUMENT`.
 */
dcs_code dcs_status(const dcs_client *client, dcs_status_response **response, dcs_error **error);

/**
 * 1 where the DCS is serving requests, 0 where it is not, -1 for NULL.
 */
int32_t dcs_status_response_available(const dcs_status_response *response);

/**
 * Why the DCS is not available, such as "Unplanned outage". NULL where it sent none, and for NULL.
 */
const char *dcs_status_response_message(const dcs_status_response *response);

/**
 * The number of planned outages; 0 for NULL.
 */
size_t dcs_status_response_outage_count(const dcs_status_response *response);

/**
 * When the outage with this index begins, in ISO 8601 as the DCS wrote it. NULL for NULL and for an index
 * that is too large.
 */
const char *dcs_status_response_outage_start(const dcs_status_response *response, size_t index);

/**
 * When the outage ends, as for the start.
 */
const char *dcs_status_response_outage_end(const dcs_status_response *response, size_t index);

/**
 * The reason of the outage. NULL where the DCS sent none, for NULL, and for an index that is too large.
 */
const char *dcs_status_response_outage_message(const dcs_status_response *response, size_t index);

/**
 * When the outage begins, in milliseconds since 1970-01-01T00:00:00Z. INT64_MIN for NULL and for an index
 * that is too large.
 */
int64_t dcs_status_response_outage_start_unix_ms(const dcs_status_response *response, size_t index);

/**
 * When the outage ends, as for the start.
 */
int64_t dcs_status_response_outage_end_unix_ms(const dcs_status_response *response, size_t index);

/**
 * The body as it came; NULL for NULL.
 */
const char *dcs_status_response_json(const dcs_status_response *response);

/**
 * Requests allowed in a window (X-RateLimit-Limit). -1 where the header did not come, and for NULL.
 */
int64_t dcs_status_response_rate_limit(const dcs_status_response *response);

/**
 * Requests left in this window (X-RateLimit-Remaining). -1 where the header did not come, and for NULL.
 */
int64_t dcs_status_response_rate_limit_remaining(const dcs_status_response *response);

/**
 * The time until the window ends (X-RateLimit-Reset), in milliseconds. -1 where the header did not come,
 * and for NULL.
 */
int64_t dcs_status_response_rate_limit_reset_ms(const dcs_status_response *response);

/**
 * The checks that were bought (DCS-Quota-Limit). -1 where the header did not come, and for NULL.
 */
int64_t dcs_status_response_quota_limit(const dcs_status_response *response);

/**
 * The checks that are left (DCS-Quota-Remaining). -1 where the header did not come, and for NULL.
 */
int64_t dcs_status_response_quota_remaining(const dcs_status_response *response);

/**
 * The time that looking up the host name took, in microseconds. 0 on a reused connection, -1 for NULL.
 */
int64_t dcs_status_response_dns_us(const dcs_status_response *response);

/**
 * The time that making the TCP connection took, in microseconds. 0 on a reused connection, -1 for NULL.
 */
int64_t dcs_status_response_tcp_us(const dcs_status_response *response);

/**
 * The time that the TLS handshake took, in microseconds. 0 on a reused connection, -1 for NULL.
 */
int64_t dcs_status_response_tls_us(const dcs_status_response *response);

/**
 * The time from the call's begin to the answer's first byte, in microseconds. -1 for NULL.
 */
int64_t dcs_status_response_first_byte_us(const dcs_status_response *response);

/**
 * The time that the whole call took, in microseconds. -1 for NULL.
 */
int64_t dcs_status_response_total_us(const dcs_status_response *response);

/**
 * 1 where the call went over a connection that an earlier call had opened, else 0; -1 for NULL.
 */
int32_t dcs_status_response_connection_reused(const dcs_status_response *response);

/**
 * 1 where the TLS session was resumed when the connection was opened, else 0; -1 for NULL.
 */
int32_t dcs_status_response_tls_session_resumed(const dcs_status_response *response);

/**
 * "TLSv1.2" or "TLSv1.3"; NULL for NULL.
 */
const char *dcs_status_response_tls_version(const dcs_status_response *response);

/**
 * The cipher suite's registered name, such as "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"; NULL for NULL.
 */
const char *dcs_status_response_tls_cipher(const dcs_status_response *response);

/**
 * Frees a response. NULL does nothing.
 */
void dcs_status_response_free(dcs_status_response *response);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* DCS_H */
