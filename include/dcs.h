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
 * Threads: each type says who may use it. The library installs no signal handler, prints nothing, takes
 * from the environment in dcs_config_load_env only, and never ends the process. (The HTTP layer looks at
 * the proxy variables once, when a process makes its first client, and what it finds is not used: as for
 * getenv, no other thread may change the environment meanwhile. And when the library is loaded, the
 * cryptography looks at OPENSSL_ia32cap, by which instructions of the processor can be kept from it.) Its
 * log is off until dcs_log_set_level turns it on.
 */

#ifndef DCS_H
#define DCS_H

#include <stddef.h>
#include <stdint.h>

/* Codes: from 100 the caller's input, from 200 the network, from 300 TLS, from 400 the service's
 * answers (where an HTTP status has a code of its own the numbers agree), 900 the library itself. */

/** Success. */
#define DCS_OK 0

/** An argument is NULL, not UTF-8, or a value that the option does not accept, such as a URL that
 * is not https or a timeout of 0. */
#define DCS_ERR_INVALID_ARGUMENT 100

/** A file cannot be read. */
#define DCS_ERR_FILE 101

/** The CA bundle contains no usable CA certificate. */
#define DCS_ERR_CA_BUNDLE 102

/** The client certificate cannot be used. */
#define DCS_ERR_CERTIFICATE 103

/** The private key cannot be used. */
#define DCS_ERR_PRIVATE_KEY 104

/** The private key is encrypted, and the password is missing or wrong. */
#define DCS_ERR_PASSWORD 105

/** The private key does not belong to the certificate. */
#define DCS_ERR_KEY_MISMATCH 106

/** The host name cannot be resolved. */
#define DCS_ERR_RESOLVE 200

/** No TCP connection can be opened. */
#define DCS_ERR_CONNECT 201

/** The proxy cannot be reached, or it rejects the connection. */
#define DCS_ERR_PROXY 202

/** A timeout elapsed; the message names the phase. */
#define DCS_ERR_TIMEOUT 203

/** The server closed or reset the connection before the response was complete. */
#define DCS_ERR_CONNECTION_LOST 204

/** The caller cancelled the call. */
#define DCS_ERR_INTERRUPTED 205

/** The server's certificate does not chain to a CA in the CA bundle ("unable to get local issuer
 * certificate"). */
#define DCS_ERR_SERVER_UNTRUSTED 300

/** The server's certificate has expired, is not yet valid, is for another purpose, or has an
 * invalid signature. */
#define DCS_ERR_SERVER_CERTIFICATE 301

/** The server's certificate is for another host. */
#define DCS_ERR_SERVER_NAME 302

/** The server requires a client certificate, and none was sent ("No required SSL certificate was
 * sent"). */
#define DCS_ERR_CLIENT_CERT_REQUIRED 303

/** The server rejected the client certificate ("The SSL certificate error"). */
#define DCS_ERR_CLIENT_CERT_REJECTED 304

/** The TLS handshake failed for another reason: no common version or cipher, no TLS at all, or an
 * alert. */
#define DCS_ERR_TLS 305

/** HTTP 400: the service rejected the request as malformed. */
#define DCS_ERR_BAD_REQUEST 400

/** HTTP 403: the quota of checks is used up. */
#define DCS_ERR_QUOTA_EXCEEDED 403

/** HTTP 404: the URL's path is wrong. */
#define DCS_ERR_NOT_FOUND 404

/** HTTP 429: this client exceeded its own rate limit. */
#define DCS_ERR_RATE_LIMITED 429

/** Any HTTP status other than 200 that has no code of its own. */
#define DCS_ERR_HTTP 450

/** The response is not the documented JSON, is incomplete, or exceeds the size limit. */
#define DCS_ERR_RESPONSE 460

/** HTTP 503: all clients together exceeded the service's rate limit. */
#define DCS_ERR_UNAVAILABLE 503

/** A bug in the library. */
#define DCS_ERR_INTERNAL 900

/**
 * Nothing is recorded. The default.
 */
#define DCS_LOG_OFF 0

/**
 * Failed calls, and clients that could not be created.
 */
#define DCS_LOG_ERROR 1

/**
 * Problems that need attention although calls succeed, such as a client certificate that expires soon.
 */
#define DCS_LOG_WARNING 2

/**
 * Successful calls and the results of diagnoses: one line each.
 */
#define DCS_LOG_INFO 3

/**
 * Each step of a call: look-up, TCP, proxy, TLS handshake, request, answer. The files of a new client.
 */
#define DCS_LOG_DEBUG 4

/**
 * How many bytes each read and write moved.
 */
#define DCS_LOG_TRACE 5

/**
 * Secret bytes. Owned by the caller, who frees it with `dcs_buffer_free`, which wipes them first. It never
 * changes, so threads may read it at once.
 *
 * ```c
 * dcs_buffer *der = NULL;
 * dcs_error *error = NULL;
 * if (dcs_private_key_to_pkcs8_der(pem, pem_len, NULL, &der, &error) == DCS_OK) {
 *     fwrite(dcs_buffer_data(der), 1, dcs_buffer_len(der), file);
 * }
 * dcs_buffer_free(der);
 * dcs_error_free(error);
 * ```
 */
typedef struct dcs_buffer dcs_buffer;

/**
 * Ends the calls that it is given to, by `dcs_status_until`. Owned by the caller, who frees it with
 * `dcs_cancellation_free` when the calls that it was given to are back.
 *
 * Shared freely: any number of threads and calls use it at once. Once cancelled it stays so.
 */
typedef struct dcs_cancellation dcs_cancellation;

/**
 * A client. Owned by the caller, who frees it with `dcs_client_free` when no call is in flight any more.
 *
 * Shared freely: any number of threads call it at once. Make one and keep it for as long as the service
 * runs: it holds the connections that the server keeps alive and the TLS sessions to resume.
 *
 * A process that is forked from the one that made it may use and free it too, whatever the parent's threads
 * were doing: there it begins without the parent's connections and sessions, and sends nothing on them.
 */
typedef struct dcs_client dcs_client;

/**
 * A configuration. Owned by the caller, who frees it with `dcs_config_free`; used by one thread at a time.
 *
 * Setting a file only notes it: the file is read when a client is created. All that is passed in is copied. Every setter
 * returns `DCS_ERR_INVALID_ARGUMENT` if the configuration or a required argument is NULL, or a text is not UTF-8.
 *
 * A setter that rejects a value leaves the option as it was. So that a call does not go elsewhere if the code is ignored,
 * `dcs_client_new`, `dcs_diagnose` and `dcs_diagnose_until` report the rejection again until that option is set.
 */
typedef struct dcs_config dcs_config;

/**
 * A failure in words. Owned by the caller, who frees it with `dcs_error_free`; its texts live until then.
 * It never changes, so threads may read it at once. It holds no secret.
 */
typedef struct dcs_error dcs_error;

/**
 * One line of the log. Owned by the caller, who frees it with `dcs_log_record_free`; its texts live until
 * then. It never changes, so several threads may read it at once. It holds no secret.
 */
typedef struct dcs_log_record dcs_log_record;

/**
 * What a diagnosis found. Owned by the caller, who frees it with `dcs_report_free`; its texts live until
 * then. It never changes, so threads may read it at once. It holds no key material and no password;
 * `dcs_report_redacted` gives one without paths and names too.
 *
 * ```c
 * dcs_report *report = NULL;
 * dcs_error *error = NULL;
 * if (dcs_diagnose(config, &report, &error) == DCS_OK) {
 *     fputs(dcs_report_text(report), stderr);
 *     if (dcs_report_cause(report) >= 0) {
 *         fprintf(stderr, "do first: %s\n",
 *                 dcs_report_finding_advice(report, (size_t)dcs_report_cause(report)));
 *     }
 * }
 * dcs_report_free(report);
 * dcs_error_free(error);
 * ```
 */
typedef struct dcs_report dcs_report;

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

/**
 * Receives the log's records, with the `user_data` it was set with. The level is one of the `DCS_LOG_` constants. The
 * texts are those of `dcs_log_record_target` and `dcs_log_record_text`; they live only during the callback.
 *
 * It runs in the thread that makes the call, which waits for it, and in several threads at once if several make calls.
 * The callback may call the library; what it calls makes no records. It must return normally: no longjmp, and no C++
 * exception may leave it.
 */
typedef void (*dcs_log_callback)(void *user_data, int32_t level, const char *target, const char *text);

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
 * Requests allowed in a window (X-RateLimit-Limit). -1 where the header did not come, and for NULL.
 */
int64_t dcs_error_rate_limit(const dcs_error *error);

/**
 * Requests left in this window (X-RateLimit-Remaining). -1 where the header did not come, and for NULL.
 */
int64_t dcs_error_rate_limit_remaining(const dcs_error *error);

/**
 * The time until the window ends (X-RateLimit-Reset), in milliseconds. -1 where the header did not come, and for NULL.
 */
int64_t dcs_error_rate_limit_reset_ms(const dcs_error *error);

/**
 * The checks that were bought (DCS-Quota-Limit). -1 where the header did not come, and for NULL.
 */
int64_t dcs_error_quota_limit(const dcs_error *error);

/**
 * The checks that are left (DCS-Quota-Remaining). -1 where the header did not come, and for NULL.
 */
int64_t dcs_error_quota_remaining(const dcs_error *error);

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
 * The path of the CA bundle: the certificates that the server's certificate must lead to, as PEM, DER, PKCS#7 or
 * PKCS#12.
 */
dcs_code dcs_config_set_ca_bundle_file(dcs_config *config,
                                       const char *path);

/**
 * The CA bundle's content: `len` bytes of what the file would hold.
 */
dcs_code dcs_config_set_ca_bundle(dcs_config *config, const uint8_t *data, size_t len);

/**
 * The path of the client certificate: the leaf, with or without its intermediates, as PEM, DER, PKCS#7 or
 * PKCS#12. What is missing of its chain is taken from the CA bundle. Where the file holds the private key too
 * and none is configured, that one is taken.
 */
dcs_code dcs_config_set_certificate_file(dcs_config *config, const char *path);

/**
 * The client certificate's content: `len` bytes of what the file would hold.
 */
dcs_code dcs_config_set_certificate(dcs_config *config, const uint8_t *data, size_t len);

/**
 * The path of the private key: PKCS#1, PKCS#8 or SEC1, plain or encrypted, as PEM or DER, or PKCS#12. It may be
 * the certificate's file, where that holds both.
 */
dcs_code dcs_config_set_private_key_file(dcs_config *config,
                                         const char *path);

/**
 * The private key's content: `len` bytes of what the file would hold. The copy is wiped when the configuration is freed.
 */
dcs_code dcs_config_set_private_key(dcs_config *config,
                                    const uint8_t *data,
                                    size_t len);

/**
 * The password of an encrypted private key or PKCS#12 store. NULL, the default: none.
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
 * How often, in milliseconds, a call first looks whether the files have changed, and reads them again where they
 * have, as `dcs_client_reload` does; what cannot be used is told in the log, and the client goes on with what
 * it had. 0, the default: never.
 */
dcs_code dcs_config_set_reload_interval_ms(dcs_config *config,
                                           uint32_t ms);

/**
 * 1: the client sends nothing while the service has asked it to wait (Retry-After of a 429 or 503, of an hour
 * at most); such a call fails at once, with that answer's code and the time that is left. 0, the default: it sends.
 * `DCS_ERR_INVALID_ARGUMENT` for another number.
 */
dcs_code dcs_config_set_honour_retry_after(dcs_config *config,
                                           int32_t on);

/**
 * How old, in milliseconds, a status may be to answer a call without asking the DCS again. With it a client has
 * a single call in flight: threads that ask meanwhile wait for its answer, and share it, a failure too. 0, the
 * default: every call asks.
 */
dcs_code dcs_config_set_status_max_age_ms(dcs_config *config,
                                          uint32_t ms);

/**
 * An HTTP proxy to tunnel through with CONNECT: `http://[user:password@]host:port`, special characters
 * percent-encoded. NULL, the default: none. `DCS_ERR_INVALID_ARGUMENT` for a URL of another form.
 */
dcs_code dcs_config_set_proxy(dcs_config *config, const char *url);

/**
 * Sets an option by its name, from text, and says in words what is wrong with a value that is refused.
 *
 * Names: "url", "ca_bundle", "certificate", "private_key" (each a path, or the content: PEM, where the value
 * contains "-----BEGIN", or base64 of DER or PEM), "private_key_password", "proxy", "timeout_ms", "connect_timeout_ms",
 * "reload_interval_ms", "honour_retry_after" ("1" or "0"), "status_max_age_ms".
 */
dcs_code dcs_config_set_option(dcs_config *config,
                               const char *name,
                               const char *value,
                               dcs_error **error);

/**
 * Takes the options that are set in the environment; no other function takes anything from there.
 *
 * Variables: DCS_URL, DCS_CA_BUNDLE, DCS_CERTIFICATE, DCS_PRIVATE_KEY (each a path, or the content: PEM,
 * where the value contains "-----BEGIN", or base64 of DER or PEM), DCS_PRIVATE_KEY_PASSWORD, DCS_PROXY, DCS_TIMEOUT_MS,
 * DCS_CONNECT_TIMEOUT_MS, DCS_RELOAD_INTERVAL_MS, DCS_HONOUR_RETRY_AFTER, DCS_STATUS_MAX_AGE_MS. One that is not set or empty leaves its option as it is. On a failure, which
 * names the variable, the configuration is unchanged. No other thread may change the environment
 * meanwhile, as for getenv.
 */
dcs_code dcs_config_load_env(dcs_config *config,
                             dcs_error **error);

/**
 * Reads the files and makes a client; nothing is sent yet. The configuration is only borrowed: the caller
 * still owns it and may make several clients from it.
 *
 * A client without certificate and key can be made: the server then says what it thinks of it. One with
 * only one of the two cannot.
 *
 * Errors: `DCS_ERR_FILE`, `DCS_ERR_CA_BUNDLE`, `DCS_ERR_CERTIFICATE`, `DCS_ERR_PRIVATE_KEY`,
 * `DCS_ERR_PASSWORD`, `DCS_ERR_KEY_MISMATCH`, `DCS_ERR_INVALID_ARGUMENT` (also if a setter rejected a value and the
 * option was not set since).
 */
dcs_code dcs_client_new(const dcs_config *config,
                        dcs_client **client,
                        dcs_error **error);

/**
 * Reads the files again, and has the calls that begin afterwards use what is in them; calls in flight end
 * undisturbed. From any thread, while others call. All or nothing: on a failure the client goes on with
 * what it had.
 *
 * For this a client keeps the paths of its files; where certificate or key come from a file, also the password,
 * and the other one's content where that was given as bytes, which are wiped when the client is freed. A certificate
 * and a key that were both given as bytes stay as they are, and their content is not kept.
 *
 * Errors: as `dcs_client_new`; `DCS_ERR_INVALID_ARGUMENT` for a client that was made from no file.
 */
dcs_code dcs_client_reload(const dcs_client *client,
                           dcs_error **error);

/**
 * Ends every call in flight with `DCS_ERR_INTERRUPTED`, within 100 ms, in any phase, the look-up of the host
 * included. Returns at once, from any thread. The client stays usable: calls that begin afterwards are not
 * concerned. Not for signal handlers; for those see `dcs_cancellation_set_descriptor`.
 */
dcs_code dcs_client_interrupt(const dcs_client *client);

/**
 * Returns host and port of the endpoint, such as "example.org:443". Never the URL's path or query. Borrowed: it lives as
 * long as the client. NULL for NULL. From any thread.
 */
const char *dcs_client_peer(const dcs_client *client);

/**
 * Returns the limit of a whole call, in milliseconds. 0 for NULL. From any thread.
 */
uint32_t dcs_client_timeout_ms(const dcs_client *client);

/**
 * Until when the client certificate is valid, in milliseconds since 1970-01-01T00:00:00Z, for a service's own
 * monitoring; `dcs_client_reload` may change it. INT64_MIN where no certificate is configured or its dates
 * cannot be read, and for NULL.
 */
int64_t dcs_client_certificate_not_after_unix_ms(const dcs_client *client);

/**
 * Frees a client and closes its idle connections. NULL does nothing. In a forked child only the child's own
 * connections are ended: those of the parent go on there.
 */
void dcs_client_free(dcs_client *client);

/**
 * One that nobody has cancelled. NULL only where something goes wrong in the library itself.
 */
dcs_cancellation *dcs_cancellation_new(void);

/**
 * Ends the calls in flight that it was given to, within 100 ms, with `DCS_ERR_INTERRUPTED`, and later ones
 * before they send anything.
 */
dcs_code dcs_cancellation_cancel(const dcs_cancellation *cancellation);

/**
 * Ends calls also while something can be read from a descriptor: a pipe, a socket, an eventfd. It is only
 * looked at, about every 60 ms while a call waits, and stays the caller's, who keeps it open until the calls
 * are back. -1, the default: none. That is how a signal handler ends a call: it writes a byte to a pipe.
 *
 * `DCS_ERR_INVALID_ARGUMENT` on Windows.
 */
dcs_code dcs_cancellation_set_descriptor(const dcs_cancellation *cancellation, int32_t descriptor);

/**
 * Frees a cancellation. NULL does nothing.
 */
void dcs_cancellation_free(dcs_cancellation *cancellation);

/**
 * Asks the DCS for its status: GET to the endpoint, in the calling thread, which waits for the answer.
 *
 * `DCS_OK` for every well-formed 200, also where the DCS says that it is not available: that is an
 * answer. The call ends by its timeouts; no redirect is followed. Where a connection that was kept alive
 * turns out to be dead before a byte of the answer came, the call is made again, once, on a new one.
 *
 * Errors: those of the network (`DCS_ERR_RESOLVE` to `DCS_ERR_INTERRUPTED`), of TLS
 * (`DCS_ERR_SERVER_UNTRUSTED` to `DCS_ERR_TLS`) and of the service (`DCS_ERR_BAD_REQUEST` to
 * `DCS_ERR_UNAVAILABLE`), and `DCS_ERR_INVALID_ARGUMENT`.
 */
dcs_code dcs_status(const dcs_client *client, dcs_status_response **response, dcs_error **error);

/**
 * As `dcs_status`, and ends within 100 ms with `DCS_ERR_INTERRUPTED` when `cancellation` is cancelled, which is
 * only borrowed.
 */
dcs_code dcs_status_until(const dcs_client *client,
                          const dcs_cancellation *cancellation,
                          dcs_status_response **response,
                          dcs_error **error);

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
 * How long ago the answer came, in milliseconds: above 0 where it is shared with an earlier call, see
 * `dcs_config_set_status_max_age_ms`. -1 for NULL.
 */
int64_t dcs_status_response_age_ms(const dcs_status_response *response);

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

/**
 * Checks a configuration from the files to the service's answer, and says what is wrong.
 *
 * `DCS_OK` for every diagnosis that was made, also where it found that calls fail: that is in the report. It
 * works on a configuration that no client can be made from: every check that still can be made is made.
 *
 * Connects to the service and makes the status call, in the calling thread, within the configuration's
 * limits of time. Reads the three files and, where the server's certificate is not trusted, the CA
 * certificates that this machine trusts; nothing is written. The configuration is only borrowed.
 *
 * Errors: `DCS_ERR_INVALID_ARGUMENT` where `config` or `report` is NULL, or a setter refused a value and the option was not
 * set since; `DCS_ERR_INTERNAL`.
 */
dcs_code dcs_diagnose(const dcs_config *config,
                      dcs_report **report,
                      dcs_error **error);

/**
 * As `dcs_diagnose`, and ends with `DCS_ERR_INTERRUPTED` when `cancellation` is cancelled, which is only borrowed:
 * within 100 ms where it waits for the network. No report is made then.
 */
dcs_code dcs_diagnose_until(const dcs_config *config,
                            const dcs_cancellation *cancellation,
                            dcs_report **report,
                            dcs_error **error);

/**
 * 1 where no check failed that makes calls fail (warnings and notes may still be there), 0 where one did,
 * -1 for NULL.
 */
int32_t dcs_report_ok(const dcs_report *report);

/**
 * The index of the finding that is the likeliest cause of what is wrong; -1 where nothing is (a note is nothing
 * wrong), and for NULL.
 */
int32_t dcs_report_cause(const dcs_report *report);

/**
 * The whole report for a terminal or a log: lines of plain text, the likeliest cause first. NULL for NULL.
 */
const char *dcs_report_text(const dcs_report *report);

/**
 * The whole report for a program: one JSON object, whose member `schema` is the version of its layout. NULL
 * for NULL.
 */
const char *dcs_report_json(const dcs_report *report);

/**
 * The whole report for a browser: one HTML document that loads nothing else. NULL for NULL.
 */
const char *dcs_report_html(const dcs_report *report);

/**
 * The same report without paths and without the names in certificates: `[path]` and `[name]` stand for
 * them. A new report, which the caller frees too; the first one stays as it is.
 *
 * Errors: `DCS_ERR_INVALID_ARGUMENT` where `report` or `redacted` is NULL, `DCS_ERR_INTERNAL`.
 */
dcs_code dcs_report_redacted(const dcs_report *report, dcs_report **redacted, dcs_error **error);

/**
 * The number of findings, one for each check that was made or could not be made; 0 for NULL.
 *
 * Their order: the failed ones first, the likeliest cause at the head, so that where one failed the finding
 * 0 is what to mend first. Then those that were skipped and passed, in the order in which checks are made.
 */
size_t dcs_report_finding_count(const dcs_report *report);

/**
 * The name of the check, such as "DCS_CHECK_CERT_NOT_EXPIRED". Names are only ever added, so monitoring may
 * rely on them. NULL for NULL and for an index that is too large.
 */
const char *dcs_report_finding_check(const dcs_report *report, size_t index);

/**
 * What came of the check: "passed"; "failed"; "skipped" where something that it needs is missing. NULL as
 * for the check.
 */
const char *dcs_report_finding_outcome(const dcs_report *report, size_t index);

/**
 * How much it weighs where the check failed, from heavy to light: "error", calls fail; "warning", they
 * succeed for now or may succeed, and something should be done; "note", nothing has to be done. NULL as for
 * the check.
 */
const char *dcs_report_finding_severity(const dcs_report *report, size_t index);

/**
 * What the finding is about: "ca_bundle", "certificate", "private_key", "connection" or "service". NULL as
 * for the check.
 */
const char *dcs_report_finding_subject(const dcs_report *report, size_t index);

/**
 * What must be so for the check to pass, as a sentence. NULL as for the check.
 */
const char *dcs_report_finding_title(const dcs_report *report, size_t index);

/**
 * What was seen, with the file or host it concerns. NULL as for the check.
 */
const char *dcs_report_finding_message(const dcs_report *report, size_t index);

/**
 * What to do about it; "" where nothing has to be done. NULL as for the check.
 */
const char *dcs_report_finding_advice(const dcs_report *report, size_t index);

/**
 * The number of steps on the way to the answer, in the order in which they were made; 0 for NULL.
 */
size_t dcs_report_step_count(const dcs_report *report);

/**
 * "dns", "tcp" (once for each address), "proxy", "tls" or "http". NULL for NULL and for an index that is too
 * large.
 */
const char *dcs_report_step_name(const dcs_report *report, size_t index);

/**
 * How the step ended: "passed", "failed" or "skipped". NULL as for the name.
 */
const char *dcs_report_step_outcome(const dcs_report *report, size_t index);

/**
 * What was seen, such as the addresses or the TLS version and cipher suite. NULL as for the name.
 */
const char *dcs_report_step_message(const dcs_report *report, size_t index);

/**
 * How long the step took, in microseconds; 0 for one that was not made. -1 for NULL and for an index that is
 * too large.
 */
int64_t dcs_report_step_us(const dcs_report *report, size_t index);

/**
 * Frees a report. NULL does nothing.
 */
void dcs_report_free(dcs_report *report);

/**
 * Converts a private key, `len` bytes in any form that a client takes, to PKCS#8 in DER, not encrypted: the
 * bytes that `openssl pkcs8 -topk8 -nocrypt -outform DER` gives. `password` is that of an encrypted key,
 * else NULL. Only memory is touched: no file is read or written.
 *
 * Errors: `DCS_ERR_PRIVATE_KEY` where the data holds no usable key, or more than one; `DCS_ERR_PASSWORD`
 * where it is encrypted and the password is missing or wrong; `DCS_ERR_INVALID_ARGUMENT`.
 */
dcs_code dcs_private_key_to_pkcs8_der(const uint8_t *data,
                                      size_t len,
                                      const char *password,
                                      dcs_buffer **der,
                                      dcs_error **error);

/**
 * As `dcs_private_key_to_pkcs8_der`, of the private key in a file.
 *
 * Errors: the same, and `DCS_ERR_FILE` where the file cannot be read.
 */
dcs_code dcs_private_key_file_to_pkcs8_der(const char *path,
                                           const char *password,
                                           dcs_buffer **der,
                                           dcs_error **error);

/**
 * The first of the buffer's `dcs_buffer_len` bytes. NULL for NULL.
 */
const uint8_t *dcs_buffer_data(const dcs_buffer *buffer);

/**
 * The number of bytes; 0 for NULL.
 */
size_t dcs_buffer_len(const dcs_buffer *buffer);

/**
 * Wipes and frees a buffer. NULL does nothing.
 */
void dcs_buffer_free(dcs_buffer *buffer);

/**
 * Sets what the log records from now on, in the whole process: one of the `DCS_LOG_` constants, each of
 * which includes those before it. Default: `DCS_LOG_OFF`. `DCS_ERR_INVALID_ARGUMENT` for another number. From any thread.
 *
 * Never recorded: key bytes, passwords, a proxy's credentials, a file's content, a URL's query, bodies.
 */
dcs_code dcs_log_set_level(int32_t level);

/**
 * Takes the oldest record that waits to be read: `DCS_OK` with NULL if there is none. The caller frees it with
 * `dcs_log_record_free`. From any thread.
 *
 * At most 1024 records wait. If older ones were dropped for newer ones, a warning that counts them comes first.
 */
dcs_code dcs_log_next(dcs_log_record **record);

/**
 * Returns how important the record is: one of the `DCS_LOG_` constants. `DCS_LOG_OFF` for NULL.
 */
int32_t dcs_log_record_level(const dcs_log_record *record);

/**
 * Returns the part of the library: "dcs.client", "dcs.files", "dcs.dns", "dcs.tcp", "dcs.proxy", "dcs.tls" or
 * "dcs.http"; "dcs.log" for a record about the log itself. NULL for NULL.
 */
const char *dcs_log_record_target(const dcs_log_record *record);

/**
 * Returns what happened: one line of at most 1000 characters, none of them a control character. NULL for NULL.
 */
const char *dcs_log_record_text(const dcs_log_record *record);

/**
 * Returns when it happened, in milliseconds since 1970-01-01T00:00:00Z. -1 for NULL.
 */
int64_t dcs_log_record_time_unix_ms(const dcs_log_record *record);

/**
 * Frees a record. NULL does nothing.
 */
void dcs_log_record_free(dcs_log_record *record);

/**
 * Passes every record from now on to the callback instead of keeping it for `dcs_log_next`. NULL ends that. Records that
 * wait already go on waiting. From any thread.
 *
 * `user_data` is passed through untouched, to any thread that makes a call. When this function returns, another thread may
 * still be running the previous callback. Keep its function and `user_data` valid until the calls that were in flight
 * have returned.
 */
void dcs_log_set_callback(dcs_log_callback callback,
                          void *user_data);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* DCS_H */
