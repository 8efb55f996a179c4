/*
 * libdcs: client library for the UK Document Checking Service (DCS).
 *
 * Generated from src/ffi; do not edit.
 *
 * Ownership: the caller owns what a `_new` function returns and what an out-parameter receives, and frees
 * it with the matching `_free`. Texts that a function returns are borrowed: they live until their owner is
 * freed. The library copies its arguments.
 *
 * Errors: a function that can fail returns a dcs_code. Its `error` out-parameter may be NULL. On success it
 * is set to NULL; on failure it receives a dcs_error, which the caller frees. Other out-parameters are set
 * to NULL on failure. A NULL handle, a NULL required argument and text that is not UTF-8 give
 * DCS_ERR_INVALID_ARGUMENT.
 *
 * Text is NUL-terminated UTF-8, in and out.
 *
 * Threads: the description of each type says which threads may use it.
 *
 * Effects on the process: the library installs no signal handler, prints nothing and never ends the
 * process. Its log is off until dcs_log_set_level turns it on. Only dcs_config_load_env takes options from
 * the environment. Two other parts read it. When a process creates its first client, the HTTP layer looks
 * at the proxy variables and ignores what it finds; as for getenv, no other thread may change the
 * environment meanwhile. When the library is loaded, its cryptography reads OPENSSL_ia32cap, which can
 * switch off instructions of the processor.
 */

#ifndef DCS_H
#define DCS_H

#include <stddef.h>
#include <stdint.h>

/* Codes: from 100 the caller's input, from 200 the network, from 300 TLS, from 400 the service's
 * answers, 900 the library itself. A code for one HTTP status equals it. */

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
 * Each step of a call: lookup, TCP, proxy, TLS handshake, request, answer. The files of a new client.
 */
#define DCS_LOG_DEBUG 4

/**
 * How many bytes each read and write moved.
 */
#define DCS_LOG_TRACE 5

/**
 * Holds secret bytes. Owned by the caller, who frees it with `dcs_buffer_free`, which wipes them first. It never
 * changes, so several threads may read it at once.
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
 * Ends the calls that it was passed to, with `dcs_status_until` or `dcs_diagnose_until`. Owned by the
 * caller, who frees it with `dcs_cancellation_free` when these calls have returned.
 *
 * Shared freely: any number of threads and calls use it at once. Once cancelled it stays cancelled.
 */
typedef struct dcs_cancellation dcs_cancellation;

/**
 * Makes calls. Owned by the caller, who frees it with `dcs_client_free` when no call is in flight.
 *
 * Shared freely: any number of threads call it at once. Create one and keep it for as long as your
 * program runs: it holds the connections that the server keeps alive, and the TLS sessions to resume.
 *
 * A forked child may use and free its parent's client, whatever the parent's threads were doing. There
 * it starts without the parent's connections and sessions, and sends nothing on them.
 */
typedef struct dcs_client dcs_client;

/**
 * A configuration. Owned by the caller, who frees it with `dcs_config_free`; used by one thread at a time.
 *
 * A setter of a file only stores the path: the file is read when a client is created. All arguments are copied. Every
 * setter returns `DCS_ERR_INVALID_ARGUMENT` if the configuration or a required argument is NULL, or a text is not
 * UTF-8.
 *
 * A setter that rejects a value leaves the option as it was. The caller may ignore its code: `dcs_client_new`,
 * `dcs_diagnose` and `dcs_diagnose_until` report the rejection again, until that option is set to a valid value. So a
 * rejected URL or proxy never sends a call to the wrong place.
 */
typedef struct dcs_config dcs_config;

/**
 * Describes a failure. Owned by the caller, who frees it with `dcs_error_free`; its texts live until
 * then. It never changes, so several threads may read it at once. It holds no secret.
 */
typedef struct dcs_error dcs_error;

/**
 * One line of the log. Owned by the caller, who frees it with `dcs_log_record_free`; its texts live until
 * then. It never changes, so several threads may read it at once. It holds no secret.
 */
typedef struct dcs_log_record dcs_log_record;

/**
 * Holds what a diagnosis found. Owned by the caller, who frees it with `dcs_report_free`; its texts live until then. It
 * never changes, so several threads may read it at once. It holds no key material and no password;
 * `dcs_report_redacted` also removes paths and names.
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
 * Holds the DCS's answer to the status call. Owned by the caller, who frees it with
 * `dcs_status_response_free`; its texts live until then, even if the client is freed first. It never
 * changes, so several threads may read it at once.
 */
typedef struct dcs_status_response dcs_status_response;

/**
 * Is the result of a call: `DCS_OK` or one of the `DCS_ERR_` constants. Numbers are only ever added.
 */
typedef int32_t dcs_code;

/**
 * Decides whether a waiting call goes on; see `dcs_cancellation_set_callback`.
 */
typedef int32_t (*dcs_cancellation_callback)(void *user_data);

/**
 * Receives the log's records, with the `user_data` it was set with. The level is one of the `DCS_LOG_` constants. The
 * texts are those of `dcs_log_record_target` and `dcs_log_record_text`; they live only during the callback.
 *
 * It runs in the thread that makes the call, which waits for it, and in several threads at once if several make calls.
 * The callback may call the library, in any thread: no lock is held while it runs. What it calls in its own thread makes no
 * records. The records of a reload, and of a call with a greatest age of the status, wait until its end. The callback must
 * return normally: no longjmp, and no C++ exception may leave it.
 */
typedef void (*dcs_log_callback)(void *user_data, int32_t level, const char *target, const char *text);

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * Returns the library's version, such as "0.1.0". The text lives forever.
 */
const char *dcs_version(void);

/**
 * Returns the version of this C ABI: 1. A binding is made for one number, and refuses to load a library
 * with another.
 */
uint32_t dcs_abi_version(void);

/**
 * Returns the name of a code, such as "DCS_ERR_KEY_MISMATCH". NULL for an unknown number. The text
 * lives forever.
 */
const char *dcs_code_name(dcs_code code);

/**
 * Returns the general advice for a code. An error's own `dcs_error_hint` is usually more specific.
 * NULL for an unknown number. The text lives forever.
 */
const char *dcs_code_hint(dcs_code code);

/**
 * Returns the code. `DCS_OK` for NULL.
 */
dcs_code dcs_error_code(const dcs_error *error);

/**
 * Returns what happened, with the file, host or field it concerns. NULL for NULL.
 */
const char *dcs_error_message(const dcs_error *error);

/**
 * Returns what to do about it, as one sentence or more. NULL for NULL.
 */
const char *dcs_error_hint(const dcs_error *error);

/**
 * Returns the name of the check that explains the failure, such as "DCS_CHECK_CERT_NOT_EXPIRED". NULL
 * if no check does, and for NULL.
 */
const char *dcs_error_check(const dcs_error *error);

/**
 * Returns the HTTP status of the answer. 0 if there was no answer, and for NULL.
 */
int32_t dcs_error_http_status(const dcs_error *error);

/**
 * Returns the number of the TLS alert that the server sent (RFC 8446, section 6). -1 if it sent none,
 * and for NULL.
 */
int32_t dcs_error_tls_alert(const dcs_error *error);

/**
 * Returns the operating system's error number: errno, or the WSA code on Windows. 0 if there is none,
 * and for NULL.
 */
int32_t dcs_error_os_code(const dcs_error *error);

/**
 * Returns 1 if retrying the same call later may succeed, otherwise 0. 0 for NULL.
 */
int32_t dcs_error_retryable(const dcs_error *error);

/**
 * Returns how long the service asked to wait (Retry-After), in milliseconds. -1 if it did not, and for
 * NULL.
 */
int64_t dcs_error_retry_after_ms(const dcs_error *error);

/**
 * Returns the requests allowed in a window (X-RateLimit-Limit). -1 without that header, and for NULL.
 */
int64_t dcs_error_rate_limit(const dcs_error *error);

/**
 * Returns the requests left in this window (X-RateLimit-Remaining). -1 without that header, and for
 * NULL.
 */
int64_t dcs_error_rate_limit_remaining(const dcs_error *error);

/**
 * Returns the time until the window ends (X-RateLimit-Reset), in milliseconds. -1 without that header,
 * and for NULL.
 */
int64_t dcs_error_rate_limit_reset_ms(const dcs_error *error);

/**
 * Returns the number of passport checks bought (DCS-Quota-Limit). -1 without that header, and for NULL.
 */
int64_t dcs_error_quota_limit(const dcs_error *error);

/**
 * Returns the number of passport checks left (DCS-Quota-Remaining). -1 without that header, and for
 * NULL.
 */
int64_t dcs_error_quota_remaining(const dcs_error *error);

/**
 * Frees an error. NULL does nothing.
 */
void dcs_error_free(dcs_error *error);

/**
 * Creates a configuration with the defaults: the DCS's integration endpoint, no files, no proxy, 10 s
 * to connect and 30 s for the whole call. The caller frees it. NULL only after a fault in the library
 * itself.
 */
dcs_config *dcs_config_new(void);

/**
 * Frees a configuration and wipes the secrets in it. Clients created from it stay usable. NULL does
 * nothing.
 */
void dcs_config_free(dcs_config *config);

/**
 * Sets the endpoint's full URL, which is used as it is. https only. Default: the integration endpoint,
 * `https://dcs-integration.ida.digital.cabinet-office.gov.uk/checks/passport`.
 *
 * Errors: `DCS_ERR_INVALID_ARGUMENT` for a URL that is not https, has no valid host, or holds a user
 * name. `dcs_config_set_option` reports the reason.
 */
dcs_code dcs_config_set_url(dcs_config *config, const char *url);

/**
 * Sets the path of the CA bundle: the certificates that the server's certificate must lead to, as PEM,
 * DER, PKCS#7 or PKCS#12.
 */
dcs_code dcs_config_set_ca_bundle_file(dcs_config *config, const char *path);

/**
 * Sets the CA bundle's content: `len` bytes of what the file would hold.
 */
dcs_code dcs_config_set_ca_bundle(dcs_config *config, const uint8_t *data, size_t len);

/**
 * Sets the path of the client certificate: the leaf, with or without its intermediates, as PEM, DER,
 * PKCS#7 or PKCS#12. Missing intermediates are taken from the CA bundle. If the file holds the private
 * key too and none is configured, that key is used.
 */
dcs_code dcs_config_set_certificate_file(dcs_config *config, const char *path);

/**
 * Sets the client certificate's content: `len` bytes of what the file would hold.
 */
dcs_code dcs_config_set_certificate(dcs_config *config, const uint8_t *data, size_t len);

/**
 * Sets the path of the private key: PKCS#1, PKCS#8 or SEC1, plain or encrypted, as PEM or DER, or
 * PKCS#12. It may be the certificate's file, if that holds both.
 */
dcs_code dcs_config_set_private_key_file(dcs_config *config, const char *path);

/**
 * Sets the private key's content: `len` bytes of what the file would hold. The copy is wiped when the
 * configuration is freed.
 */
dcs_code dcs_config_set_private_key(dcs_config *config, const uint8_t *data, size_t len);

/**
 * Sets the password of an encrypted private key or PKCS#12 store. NULL, the default: none.
 */
dcs_code dcs_config_set_private_key_password(dcs_config *config, const char *password);

/**
 * Sets the limit for host name lookup, TCP, proxy and TLS together, in milliseconds. Default: 10 000.
 *
 * Errors: `DCS_ERR_INVALID_ARGUMENT` for 0.
 */
dcs_code dcs_config_set_connect_timeout_ms(dcs_config *config, uint32_t ms);

/**
 * Sets the limit for the whole call, in milliseconds. Default: 30 000.
 *
 * Errors: `DCS_ERR_INVALID_ARGUMENT` for 0.
 */
dcs_code dcs_config_set_timeout_ms(dcs_config *config, uint32_t ms);

/**
 * Sets how often, in milliseconds, a call first checks whether the files have changed. If they have,
 * it reads them again as `dcs_client_reload` does, in a thread of the library. It waits at most one
 * second for that, and then uses the previous files. If a file is invalid, the client logs an error and
 * keeps using the previous files. 0, the default: never.
 */
dcs_code dcs_config_set_reload_interval_ms(dcs_config *config, uint32_t ms);

/**
 * Sets whether the client sends nothing while the service has asked it to wait: 1, or 0, the default.
 * With 1, a call during the Retry-After of a 429 or 503 (an hour at most) fails at once, with that
 * answer's code and the time that is left.
 *
 * Errors: `DCS_ERR_INVALID_ARGUMENT` for another number.
 */
dcs_code dcs_config_set_honour_retry_after(dcs_config *config, int32_t on);

/**
 * Sets the greatest age, in milliseconds, of a status that answers a call without another request. The
 * client then has a single call in flight: threads that call meanwhile wait for its result and share
 * it, a failure included. 0, the default: every call sends a request.
 */
dcs_code dcs_config_set_status_max_age_ms(dcs_config *config, uint32_t ms);

/**
 * Sets an HTTP proxy to tunnel through with CONNECT: `http://[user:password@]host:port`, special
 * characters percent-encoded. NULL, the default: none.
 *
 * Errors: `DCS_ERR_INVALID_ARGUMENT` for a URL of another form.
 */
dcs_code dcs_config_set_proxy(dcs_config *config, const char *url);

/**
 * Sets an option by its name, from text, and reports why if it rejects the value.
 *
 * The name is that of the setter without `dcs_config_set_`, such as "timeout_ms". "ca_bundle",
 * "certificate" and "private_key" take a path, or the content: PEM, if the value contains
 * "-----BEGIN", or base64 of DER or PEM. A switch takes "1" or "0".
 *
 * Errors: `DCS_ERR_INVALID_ARGUMENT`, also for an unknown name; its hint lists the names.
 */
dcs_code dcs_config_set_option(dcs_config *config, const char *name, const char *value, dcs_error **error);

/**
 * Sets each option whose environment variable is set. No other function takes options from the
 * environment.
 *
 * The variable of an option is `DCS_` and its name in upper case, such as DCS_URL or DCS_TIMEOUT_MS;
 * it takes what `dcs_config_set_option` takes. A variable that is not set, or is empty, leaves its
 * option as it is. No other thread may change the environment meanwhile, as for getenv.
 *
 * Errors: `DCS_ERR_INVALID_ARGUMENT`, whose message names the variable. Every option is then
 * unchanged.
 */
dcs_code dcs_config_load_env(dcs_config *config, dcs_error **error);

/**
 * Reads the files and creates a client; nothing is sent yet. The configuration is only borrowed: the
 * caller still owns it and may create several clients from it.
 *
 * A client can be created without a certificate and key; the server will then reject it. A certificate
 * without a key, or a key without a certificate, is an error.
 *
 * On success `client` receives a client, which the caller frees.
 *
 * Errors: `DCS_ERR_FILE`, `DCS_ERR_CA_BUNDLE`, `DCS_ERR_CERTIFICATE`, `DCS_ERR_PRIVATE_KEY`,
 * `DCS_ERR_PASSWORD`, `DCS_ERR_KEY_MISMATCH`; `DCS_ERR_INVALID_ARGUMENT`, also if a setter rejected a
 * value and the option was not set since.
 */
dcs_code dcs_client_new(const dcs_config *config, dcs_client **client, dcs_error **error);

/**
 * Reads the files again, for the calls that start afterwards. Calls in flight end undisturbed. All or
 * nothing: after a failure the client keeps using the previous files. From any thread, also while
 * other threads make calls.
 *
 * For this a client keeps the paths of its files. If the certificate, the key or an encrypted CA bundle
 * comes from a file, it also keeps the password. If only one of certificate and key comes from a file,
 * it also keeps the other one's bytes. Password and bytes are wiped when the client is freed. If both
 * were given as bytes, a reload leaves them as they are, and their content is not kept.
 *
 * Errors: as `dcs_client_new`; `DCS_ERR_INVALID_ARGUMENT` for a client that was created without any
 * file.
 */
dcs_code dcs_client_reload(const dcs_client *client, dcs_error **error);

/**
 * Ends every call in flight with `DCS_ERR_INTERRUPTED`, within 100 ms, in any phase, the host name
 * lookup included. Returns at once. The client stays usable: calls that start afterwards are not
 * affected. From any thread, but not from a signal handler; see `dcs_cancellation_set_descriptor` for
 * that.
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
 * Returns the end of the client certificate's validity, in milliseconds since 1970-01-01T00:00:00Z,
 * for your program's monitoring. `dcs_client_reload` may change it. INT64_MIN if no certificate is
 * configured or its dates cannot be read, and for NULL. From any thread.
 */
int64_t dcs_client_certificate_not_after_unix_ms(const dcs_client *client);

/**
 * Frees a client and closes its idle connections. NULL does nothing. In a forked child it ends only
 * the child's own connections; the parent's stay open there.
 */
void dcs_client_free(dcs_client *client);

/**
 * Creates a cancellation that is not cancelled. NULL only after a fault in the library itself.
 */
dcs_cancellation *dcs_cancellation_new(void);

/**
 * Ends the calls in flight that it was passed to, within 100 ms, with `DCS_ERR_INTERRUPTED`. Later
 * calls end before they send anything. From any thread.
 */
dcs_code dcs_cancellation_cancel(const dcs_cancellation *cancellation);

/**
 * Makes readable data on a descriptor (a pipe, a socket, an eventfd) end calls too. -1, the default:
 * none. This lets a signal handler end a call: it writes a byte to a pipe.
 *
 * The library only polls the descriptor, about every 60 ms while a call waits, and never reads from
 * it. The caller owns it and keeps it open until the calls have returned.
 *
 * Errors: `DCS_ERR_INVALID_ARGUMENT` on Windows.
 */
dcs_code dcs_cancellation_set_descriptor(const dcs_cancellation *cancellation, int32_t descriptor);

/**
 * Sets a function that calls run while they wait, about every 60 ms and whenever a signal interrupts the
 * wait. If it returns 1, the call goes on. Any other value cancels, as `dcs_cancellation_cancel` does.
 * NULL, the default: none. This lets an interpreter run its signal handlers during a call.
 *
 * It runs in the thread of the call, and in several threads at once if several calls wait. It may call the
 * library. It must return normally: no longjmp, and no C++ exception may leave it. Function and
 * `user_data` stay valid until the calls have returned. If it forks, the call is cancelled in the child.
 */
dcs_code dcs_cancellation_set_callback(const dcs_cancellation *cancellation,
                                       dcs_cancellation_callback callback,
                                       void *user_data);

/**
 * Frees a cancellation. NULL does nothing.
 */
void dcs_cancellation_free(dcs_cancellation *cancellation);

/**
 * Asks the DCS for its status: sends GET to the endpoint in the calling thread, and waits for the
 * answer.
 *
 * Returns `DCS_OK` for every well-formed 200, even if the DCS says that it is not available: that is
 * an answer, not a failure. The call ends within its timeouts. It follows no redirect. If a kept
 * connection turns out to be dead before the first byte of the answer, the call is made again, once,
 * on a new connection.
 *
 * On success `response` receives a response, which the caller frees. From any thread.
 *
 * Errors: those of the network (`DCS_ERR_RESOLVE` to `DCS_ERR_INTERRUPTED`), of TLS
 * (`DCS_ERR_SERVER_UNTRUSTED` to `DCS_ERR_TLS`) and of the service (`DCS_ERR_BAD_REQUEST` to
 * `DCS_ERR_UNAVAILABLE`); `DCS_ERR_INVALID_ARGUMENT`.
 */
dcs_code dcs_status(const dcs_client *client, dcs_status_response **response, dcs_error **error);

/**
 * As `dcs_status`. Also ends within 100 ms, with `DCS_ERR_INTERRUPTED`, when `cancellation` is
 * cancelled. The cancellation is only borrowed.
 */
dcs_code dcs_status_until(const dcs_client *client,
                          const dcs_cancellation *cancellation,
                          dcs_status_response **response,
                          dcs_error **error);

/**
 * Returns 1 if the DCS is serving requests, otherwise 0. -1 for NULL.
 */
int32_t dcs_status_response_available(const dcs_status_response *response);

/**
 * Returns why the DCS is not available, such as "Unplanned outage". NULL if it sent no reason, and for
 * NULL.
 */
const char *dcs_status_response_message(const dcs_status_response *response);

/**
 * Returns the number of planned outages. 0 for NULL.
 */
size_t dcs_status_response_outage_count(const dcs_status_response *response);

/**
 * Returns when the outage with this index starts, in ISO 8601 as the DCS wrote it. NULL for an index
 * that is too large, and for NULL.
 */
const char *dcs_status_response_outage_start(const dcs_status_response *response, size_t index);

/**
 * Returns when the outage ends. Otherwise as `dcs_status_response_outage_start`.
 */
const char *dcs_status_response_outage_end(const dcs_status_response *response, size_t index);

/**
 * Returns the reason of the outage. NULL if the DCS sent none, for an index that is too large, and for
 * NULL.
 */
const char *dcs_status_response_outage_message(const dcs_status_response *response, size_t index);

/**
 * Returns when the outage starts, in milliseconds since 1970-01-01T00:00:00Z. INT64_MIN for an index
 * that is too large, and for NULL.
 */
int64_t dcs_status_response_outage_start_unix_ms(const dcs_status_response *response, size_t index);

/**
 * Returns when the outage ends. Otherwise as `dcs_status_response_outage_start_unix_ms`.
 */
int64_t dcs_status_response_outage_end_unix_ms(const dcs_status_response *response, size_t index);

/**
 * Returns the body as the DCS sent it. NULL for NULL.
 */
const char *dcs_status_response_json(const dcs_status_response *response);

/**
 * Returns how long ago the answer arrived, in milliseconds. It is above 0 if the answer is shared with
 * an earlier call; see `dcs_config_set_status_max_age_ms`. -1 for NULL.
 */
int64_t dcs_status_response_age_ms(const dcs_status_response *response);

/**
 * Returns the requests allowed in a window (X-RateLimit-Limit). -1 without that header, and for NULL.
 */
int64_t dcs_status_response_rate_limit(const dcs_status_response *response);

/**
 * Returns the requests left in this window (X-RateLimit-Remaining). -1 without that header, and for
 * NULL.
 */
int64_t dcs_status_response_rate_limit_remaining(const dcs_status_response *response);

/**
 * Returns the time until the window ends (X-RateLimit-Reset), in milliseconds. -1 without that header,
 * and for NULL.
 */
int64_t dcs_status_response_rate_limit_reset_ms(const dcs_status_response *response);

/**
 * Returns the number of passport checks bought (DCS-Quota-Limit). -1 without that header, and for NULL.
 */
int64_t dcs_status_response_quota_limit(const dcs_status_response *response);

/**
 * Returns the number of passport checks left (DCS-Quota-Remaining). -1 without that header, and for
 * NULL.
 */
int64_t dcs_status_response_quota_remaining(const dcs_status_response *response);

/**
 * Returns how long the host name lookup took, in microseconds. 0 on a reused connection. -1 for NULL.
 */
int64_t dcs_status_response_dns_us(const dcs_status_response *response);

/**
 * Returns how long the TCP connection took, in microseconds. 0 on a reused connection. -1 for NULL.
 */
int64_t dcs_status_response_tcp_us(const dcs_status_response *response);

/**
 * Returns how long the TLS handshake took, in microseconds. 0 on a reused connection. -1 for NULL.
 */
int64_t dcs_status_response_tls_us(const dcs_status_response *response);

/**
 * Returns the time from the start of the call to the first byte of the answer, in microseconds. -1 for
 * NULL.
 */
int64_t dcs_status_response_first_byte_us(const dcs_status_response *response);

/**
 * Returns how long the whole call took, in microseconds. -1 for NULL.
 */
int64_t dcs_status_response_total_us(const dcs_status_response *response);

/**
 * Returns 1 if the call used a connection that an earlier call had opened, otherwise 0. -1 for NULL.
 */
int32_t dcs_status_response_connection_reused(const dcs_status_response *response);

/**
 * Returns 1 if the connection's handshake resumed a TLS session, otherwise 0. -1 for NULL.
 */
int32_t dcs_status_response_tls_session_resumed(const dcs_status_response *response);

/**
 * Returns "TLSv1.2" or "TLSv1.3". NULL for NULL.
 */
const char *dcs_status_response_tls_version(const dcs_status_response *response);

/**
 * Returns the cipher suite's registered name, such as "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384". NULL
 * for NULL.
 */
const char *dcs_status_response_tls_cipher(const dcs_status_response *response);

/**
 * Frees a response. NULL does nothing.
 */
void dcs_status_response_free(dcs_status_response *response);

/**
 * Checks a configuration from the files to the service's answer, and reports what is wrong.
 *
 * Returns `DCS_OK` for every diagnosis, even if it found that calls fail: the report describes that.
 * It works on a configuration from which no client can be created, and makes every check that is still
 * possible.
 *
 * It connects to the service and makes the status call, in the calling thread, within the
 * configuration's timeouts. It reads the three files and, if the server's certificate is not trusted,
 * the CA certificates that this machine trusts. It writes nothing. The configuration is only borrowed.
 *
 * On success `report` receives a report, which the caller frees.
 *
 * Errors: `DCS_ERR_INVALID_ARGUMENT` if `config` or `report` is NULL, or if a setter rejected a value
 * and the option was not set since; `DCS_ERR_INTERNAL`.
 */
dcs_code dcs_diagnose(const dcs_config *config, dcs_report **report, dcs_error **error);

/**
 * As `dcs_diagnose`. Also ends with `DCS_ERR_INTERRUPTED` and without a report when `cancellation` is
 * cancelled: within 100 ms if it is waiting for the network. The cancellation is only borrowed.
 */
dcs_code dcs_diagnose_until(const dcs_config *config,
                            const dcs_cancellation *cancellation,
                            dcs_report **report,
                            dcs_error **error);

/**
 * Returns 1 if no check of severity "error" failed, otherwise 0. Warnings and notes do not count. -1
 * for NULL.
 */
int32_t dcs_report_ok(const dcs_report *report);

/**
 * Returns the index of the finding that is the most likely cause of what is wrong. -1 if nothing is
 * wrong (notes do not count), and for NULL.
 */
int32_t dcs_report_cause(const dcs_report *report);

/**
 * Returns the whole report for a terminal or a log: lines of plain text, the most likely cause first.
 * NULL for NULL.
 */
const char *dcs_report_text(const dcs_report *report);

/**
 * Returns the whole report for a program: one JSON object, whose member `schema` is the version of its
 * layout. NULL for NULL.
 */
const char *dcs_report_json(const dcs_report *report);

/**
 * Returns the whole report for a browser: one HTML document that loads nothing else. NULL for NULL.
 */
const char *dcs_report_html(const dcs_report *report);

/**
 * Creates the same report without paths and without the names in certificates: `[path]` and `[name]`
 * replace them. The caller frees the new report too; the first one stays as it is.
 *
 * Errors: `DCS_ERR_INVALID_ARGUMENT` if `report` or `redacted` is NULL; `DCS_ERR_INTERNAL`.
 */
dcs_code dcs_report_redacted(const dcs_report *report, dcs_report **redacted, dcs_error **error);

/**
 * Returns the number of findings: one for each check, also for those that could not be made. 0 for
 * NULL.
 *
 * Failed checks come first, and the most likely cause is the first of them; see `dcs_report_cause`.
 * Skipped and passed checks follow, in the order in which they are made.
 */
size_t dcs_report_finding_count(const dcs_report *report);

/**
 * Returns the name of the check, such as "DCS_CHECK_CERT_NOT_EXPIRED". Names are only ever added, so
 * monitoring may rely on them. NULL for an index that is too large, and for NULL.
 */
const char *dcs_report_finding_check(const dcs_report *report, size_t index);

/**
 * Returns the outcome of the check: "passed", "failed", or "skipped" if something that it needs is
 * missing. NULL for an index that is too large, and for NULL.
 */
const char *dcs_report_finding_outcome(const dcs_report *report, size_t index);

/**
 * Returns how severe a failure of the check is. "error": calls fail. "warning": calls succeed for now
 * or may succeed, but something should be done. "note": nothing has to be done. NULL for an index that
 * is too large, and for NULL.
 */
const char *dcs_report_finding_severity(const dcs_report *report, size_t index);

/**
 * Returns what the finding is about: "ca_bundle", "certificate", "private_key", "connection" or
 * "service". NULL for an index that is too large, and for NULL.
 */
const char *dcs_report_finding_subject(const dcs_report *report, size_t index);

/**
 * Returns the condition under which the check passes, as a sentence. NULL for an index that is too
 * large, and for NULL.
 */
const char *dcs_report_finding_title(const dcs_report *report, size_t index);

/**
 * Returns what the check found, with the file or host it concerns. NULL for an index that is too
 * large, and for NULL.
 */
const char *dcs_report_finding_message(const dcs_report *report, size_t index);

/**
 * Returns what to do about it; "" if nothing has to be done. NULL for an index that is too large, and
 * for NULL.
 */
const char *dcs_report_finding_advice(const dcs_report *report, size_t index);

/**
 * Returns the number of steps of the status call, from the lookup to the answer. Their indexes follow
 * the order in which they were made. 0 for NULL.
 */
size_t dcs_report_step_count(const dcs_report *report);

/**
 * Returns "dns", "tcp" (once for each address), "proxy", "tls" or "http". NULL for an index that is
 * too large, and for NULL.
 */
const char *dcs_report_step_name(const dcs_report *report, size_t index);

/**
 * Returns how the step ended: "passed", "failed" or "skipped". NULL for an index that is too large,
 * and for NULL.
 */
const char *dcs_report_step_outcome(const dcs_report *report, size_t index);

/**
 * Returns what the step found, such as the addresses, or the TLS version and cipher suite. NULL for an
 * index that is too large, and for NULL.
 */
const char *dcs_report_step_message(const dcs_report *report, size_t index);

/**
 * Returns how long the step took, in microseconds. 0 for a step that was not made. -1 for an index
 * that is too large, and for NULL.
 */
int64_t dcs_report_step_us(const dcs_report *report, size_t index);

/**
 * Frees a report. NULL does nothing.
 */
void dcs_report_free(dcs_report *report);

/**
 * Converts a private key, `len` bytes in any form that a client accepts, to unencrypted PKCS#8 in DER.
 * These are the bytes that `openssl pkcs8 -topk8 -nocrypt -outform DER` writes. `password` is that of
 * an encrypted key, otherwise NULL. Only memory is used: no file is read or written.
 *
 * On success `der` receives a buffer, which the caller frees. From any thread.
 *
 * Errors: `DCS_ERR_PRIVATE_KEY` if the data holds no usable key, or more than one; `DCS_ERR_PASSWORD`
 * if it is encrypted and the password is missing or wrong; `DCS_ERR_INVALID_ARGUMENT`.
 */
dcs_code dcs_private_key_to_pkcs8_der(const uint8_t *data,
                                      size_t len,
                                      const char *password,
                                      dcs_buffer **der,
                                      dcs_error **error);

/**
 * As `dcs_private_key_to_pkcs8_der`, for the private key in a file.
 *
 * Errors: the same, and `DCS_ERR_FILE` if the file cannot be read.
 */
dcs_code dcs_private_key_file_to_pkcs8_der(const char *path,
                                           const char *password,
                                           dcs_buffer **der,
                                           dcs_error **error);

/**
 * Returns the first of the buffer's `dcs_buffer_len` bytes. NULL for NULL.
 */
const uint8_t *dcs_buffer_data(const dcs_buffer *buffer);

/**
 * Returns the number of bytes. 0 for NULL.
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
 * already wait stay there for `dcs_log_next`. From any thread.
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
