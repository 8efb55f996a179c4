/*
 * libdcs for C++17: RAII over the C ABI of dcs.h. Header-only; link with libdcs.
 *
 *     dcs::config config;
 *     config.ca_bundle_file("ca-bundle.pem")
 *           .certificate_file("client.pem")
 *           .private_key_file("client.key");
 *     const dcs::client client(config);   // once; shared by all threads
 *     const dcs::status status = client.status();
 *
 *     const dcs::report report = dcs::diagnose(config);   // if something is wrong
 *     std::cerr << report.text();
 *
 * A failure throws dcs::error, which carries code, message and hint. The standard library may throw
 * std::bad_alloc. A text argument with a NUL character is rejected, because C would cut it there.
 *
 * A config, a client and a cancellation can be moved and not copied. A status, a report and an error can be copied. An
 * object that was moved from is safe to use: it has no values, and calls fail with DCS_ERR_INVALID_ARGUMENT.
 */

#ifndef DCS_HPP
#define DCS_HPP

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "dcs.h"

namespace dcs {

namespace detail {

/** Frees a handle of the C ABI. */
struct deleter {
    void operator()(dcs_config *handle) const noexcept { dcs_config_free(handle); }
    void operator()(dcs_client *handle) const noexcept { dcs_client_free(handle); }
    void operator()(dcs_cancellation *handle) const noexcept { dcs_cancellation_free(handle); }
    void operator()(dcs_status_response *handle) const noexcept { dcs_status_response_free(handle); }
    void operator()(dcs_report *handle) const noexcept { dcs_report_free(handle); }
    void operator()(dcs_buffer *handle) const noexcept { dcs_buffer_free(handle); }
    void operator()(dcs_error *handle) const noexcept { dcs_error_free(handle); }
    void operator()(dcs_log_record *handle) const noexcept { dcs_log_record_free(handle); }
};

template <typename T>
using handle = std::unique_ptr<T, deleter>;

inline std::string text(const char *borrowed) { return borrowed != nullptr ? borrowed : ""; }

inline std::optional<std::string> optional_text(const char *borrowed) {
    if (borrowed == nullptr) {
        return std::nullopt;
    }
    return std::string(borrowed);
}

inline std::optional<std::int64_t> optional_number(std::int64_t number) {
    if (number < 0) {
        return std::nullopt;
    }
    return number;
}

inline std::optional<std::chrono::milliseconds> optional_time(std::int64_t milliseconds) {
    if (milliseconds < 0) {
        return std::nullopt;
    }
    return std::chrono::milliseconds(milliseconds);
}

} // namespace detail

/** Holds what the service's headers say about its limits. A value is empty without its header. */
struct limits {
    /** The requests allowed in a window. */
    std::optional<std::int64_t> rate_limit;
    /** The requests left in this window. */
    std::optional<std::int64_t> rate_limit_remaining;
    /** The time until the window ends. */
    std::optional<std::chrono::milliseconds> rate_limit_reset;
    /** The number of passport checks bought. */
    std::optional<std::int64_t> quota_limit;
    /** The number of passport checks left. */
    std::optional<std::int64_t> quota_remaining;
};

/** Describes a failure: what happened, to which file, host or field, and what to do. what() has message and hint. */
class error : public std::runtime_error {
public:
    /** Copies an error of the C ABI, which the caller still owns. For a NULL it takes the name and hint of the code. */
    error(dcs_code code, const dcs_error *from)
        : std::runtime_error(compose(code, from)),
          data_(std::make_shared<const data>(data{
              code,
              from != nullptr ? detail::text(dcs_error_message(from)) : detail::text(dcs_code_name(code)),
              from != nullptr ? detail::text(dcs_error_hint(from)) : detail::text(dcs_code_hint(code)),
              from != nullptr ? detail::optional_text(dcs_error_check(from)) : std::nullopt,
              from != nullptr ? dcs_error_http_status(from) : 0,
              from != nullptr ? dcs_error_tls_alert(from) : -1,
              from != nullptr ? dcs_error_os_code(from) : 0,
              from != nullptr && dcs_error_retryable(from) == 1,
              from != nullptr ? dcs_error_retry_after_ms(from) : -1,
              // -1 for a NULL, as without the header.
              dcs::limits{
                  detail::optional_number(dcs_error_rate_limit(from)),
                  detail::optional_number(dcs_error_rate_limit_remaining(from)),
                  detail::optional_time(dcs_error_rate_limit_reset_ms(from)),
                  detail::optional_number(dcs_error_quota_limit(from)),
                  detail::optional_number(dcs_error_quota_remaining(from)),
              },
          })) {}

    /** Copies, also instead of a move: an error always has its values. */
    error(const error &) noexcept = default;
    error &operator=(const error &) noexcept = default;

    /** Describes a failure of which the C ABI returns only the code. */
    error(dcs_code code, const std::string &message)
        : std::runtime_error(message + " " + detail::text(dcs_code_hint(code))),
          data_(std::make_shared<const data>(data{code, message, detail::text(dcs_code_hint(code)),
                                                  std::nullopt, 0, -1, 0, false, -1, {}})) {}

    /** Returns one of the DCS_ERR_ constants. */
    dcs_code code() const noexcept { return data_->code; }
    /** Returns what happened, with the file, host or field it concerns. */
    const std::string &message() const noexcept { return data_->message; }
    /** Returns what to do about it. */
    const std::string &hint() const noexcept { return data_->hint; }
    /** Returns the name of the check that explains the failure. Empty if no check does. */
    const std::optional<std::string> &check() const noexcept { return data_->check; }
    /** Returns the HTTP status. Empty if there was no answer. */
    std::optional<int> http_status() const noexcept {
        return data_->http_status != 0 ? std::optional<int>(data_->http_status) : std::nullopt;
    }
    /** Returns the number of the TLS alert that the server sent. Empty if it sent none. */
    std::optional<int> tls_alert() const noexcept {
        return data_->tls_alert >= 0 ? std::optional<int>(data_->tls_alert) : std::nullopt;
    }
    /** Returns errno, or the WSA code on Windows. Empty if there is none. */
    std::optional<int> os_code() const noexcept {
        return data_->os_code != 0 ? std::optional<int>(data_->os_code) : std::nullopt;
    }
    /** Returns whether retrying the same call later may succeed. */
    bool retryable() const noexcept { return data_->retryable; }
    /** Returns how long the service asked to wait. Empty if it did not. */
    std::optional<std::chrono::milliseconds> retry_after() const noexcept {
        return detail::optional_time(data_->retry_after_ms);
    }
    /** Returns what the headers of the answer say about rate limit and quota. */
    const dcs::limits &limits() const noexcept { return data_->limits; }

private:
    struct data {
        dcs_code code;
        std::string message;
        std::string hint;
        std::optional<std::string> check;
        std::int32_t http_status;
        std::int32_t tls_alert;
        std::int32_t os_code;
        bool retryable;
        std::int64_t retry_after_ms;
        dcs::limits limits;
    };

    static std::string compose(dcs_code code, const dcs_error *from) {
        if (from == nullptr) {
            return detail::text(dcs_code_name(code)) + ": " + detail::text(dcs_code_hint(code));
        }
        return detail::text(dcs_code_name(code)) + ": " + detail::text(dcs_error_message(from)) + " " +
               detail::text(dcs_error_hint(from));
    }

    /** Shared, because an exception's copy constructor must not throw. */
    std::shared_ptr<const data> data_;
};

namespace detail {

/** Throws if a call of the C ABI failed, and frees its error. What a callback threw during the call comes first. */
inline void check(dcs_code code, dcs_error *from, const std::exception_ptr &thrown = nullptr) {
    const handle<dcs_error> owned(from);
    if (thrown) {
        std::rethrow_exception(thrown);
    }
    if (code != DCS_OK) {
        throw error(code, from);
    }
}

inline bool has_nul(const std::string &text) { return text.find('\0') != std::string::npos; }

/** Throws that a text has a NUL, at which C would cut it. */
[[noreturn]] inline void throw_nul(const std::string &what) {
    throw error(DCS_ERR_INVALID_ARGUMENT, what + " contains a NUL character.");
}

/** Returns a text for the C ABI. */
inline const char *c_text(const char *what, const std::string &text) {
    if (has_nul(text)) {
        throw_nul(what);
    }
    return text.c_str();
}

/** The same for a text that may be missing. */
inline const char *c_text(const char *what, const std::optional<std::string> &text) {
    return text ? c_text(what, *text) : nullptr;
}

/** Returns the bytes of a buffer, and frees it. Throws if the call that created it failed. */
inline std::vector<std::uint8_t> bytes(dcs_code code, dcs_buffer *made, dcs_error *failure) {
    const handle<dcs_buffer> owned(made);
    check(code, failure);
    const std::uint8_t *first = dcs_buffer_data(made);
    return std::vector<std::uint8_t>(first, first + dcs_buffer_len(made));
}

} // namespace detail

/**
 * Holds the options. A setter of a file only stores the path: the file is read when a client is created. All
 * arguments are copied. A setter that throws leaves the option as it was. If the caller ignores the exception,
 * creating a client or a diagnosis throws it again, until that option is set to a valid value. Used by one thread
 * at a time.
 */
class config {
public:
    /** Creates one with the defaults: integration endpoint, no files, no proxy, 10 s to connect, 30 s for a call. */
    config() : handle_(dcs_config_new()) {
        if (!handle_) {
            throw error(DCS_ERR_INTERNAL, nullptr);
        }
    }

    /** Sets the endpoint's full URL; https only. */
    config &url(const std::string &value) { return option("url", value); }
    /** Sets the path of the CA bundle, which the server's certificate must lead to: PEM, DER, PKCS#7 or PKCS#12. */
    config &ca_bundle_file(const std::string &path) {
        return text("CA bundle's path", dcs_config_set_ca_bundle_file, path);
    }
    /** Sets the CA bundle's content. */
    config &ca_bundle(std::string_view content) {
        return done("CA bundle", dcs_config_set_ca_bundle(handle_.get(), bytes(content), content.size()));
    }
    /** Sets the path of the client certificate, with or without its intermediates: PEM, DER, PKCS#7 or PKCS#12. */
    config &certificate_file(const std::string &path) {
        return text("certificate's path", dcs_config_set_certificate_file, path);
    }
    /** Sets the client certificate's content. */
    config &certificate(std::string_view content) {
        return done("certificate", dcs_config_set_certificate(handle_.get(), bytes(content), content.size()));
    }
    /** Sets the path of the private key: PEM, DER or PKCS#12, plain or encrypted. */
    config &private_key_file(const std::string &path) {
        return text("private key's path", dcs_config_set_private_key_file, path);
    }
    /** Sets the private key's content. */
    config &private_key(std::string_view content) {
        return done("private key", dcs_config_set_private_key(handle_.get(), bytes(content), content.size()));
    }
    /** Sets the password of an encrypted private key or PKCS#12 store. */
    config &private_key_password(const std::string &password) {
        return text("private key password", dcs_config_set_private_key_password, password);
    }
    /** Sets the limit for host name lookup, TCP, proxy and TLS together, in whole milliseconds. */
    config &connect_timeout(std::chrono::milliseconds limit) {
        return option("connect_timeout_ms", std::to_string(limit.count()));
    }
    /** Sets the limit for the whole call, in whole milliseconds. */
    config &timeout(std::chrono::milliseconds limit) {
        return option("timeout_ms", std::to_string(limit.count()));
    }
    /** Sets how often a call first checks whether the files have changed. If so, it reads them again. 0: never. */
    config &reload_interval(std::chrono::milliseconds interval) {
        return option("reload_interval_ms", std::to_string(interval.count()));
    }
    /** Sets whether a call fails at once, without a request, while the service has asked to wait. */
    config &honour_retry_after(bool on) { return option("honour_retry_after", on ? "1" : "0"); }
    /** Sets the greatest age of a status that answers a call without another request; 0: every call sends one. */
    config &status_max_age(std::chrono::milliseconds age) {
        return option("status_max_age_ms", std::to_string(age.count()));
    }
    /** Sets an HTTP proxy to tunnel through: http://[user:password@]host:port */
    config &proxy(const std::string &url) { return option("proxy", url); }
    /** Sets an option by its name, from text, as dcs_config_set_option does. */
    config &option(const std::string &name, const std::string &value) {
        dcs_error *failure = nullptr;
        const bool cut = detail::has_nul(value);
        const dcs_code code = dcs_config_set_option(handle_.get(), detail::c_text("The name of an option", name),
                                                    cut ? not_utf8 : value.c_str(), &failure);
        if (cut) {
            dcs_error_free(failure);
            detail::throw_nul("The value of the option '" + name + "'");
        }
        detail::check(code, failure);
        return *this;
    }
    /** Sets each option whose environment variable (DCS_URL, DCS_CA_BUNDLE, ...) is set. */
    config &load_env() {
        dcs_error *failure = nullptr;
        const dcs_code code = dcs_config_load_env(handle_.get(), &failure);
        detail::check(code, failure);
        return *this;
    }

    /** Returns the handle of the C ABI, which this object still owns. */
    const dcs_config *get() const noexcept { return handle_.get(); }

private:
    static const std::uint8_t *bytes(std::string_view text) {
        return reinterpret_cast<const std::uint8_t *>(text.data());
    }

    /** Passed instead of a text with a NUL, so that the library rejects the option and remembers that. */
    static constexpr const char *not_utf8 = "\xff";

    config &text(const char *what, dcs_code (*set)(dcs_config *, const char *), const std::string &value) {
        const bool cut = detail::has_nul(value);
        const dcs_code code = set(handle_.get(), cut ? not_utf8 : value.c_str());
        if (cut) {
            detail::throw_nul(std::string("The ") + what);
        }
        return done(what, code);
    }

    config &done(const char *what, dcs_code code) {
        if (!handle_) {
            throw error(code, "The configuration was moved to another object.");
        }
        if (code != DCS_OK) {
            throw error(code, std::string("The ") + what + " was rejected: it is not UTF-8 or too large.");
        }
        return *this;
    }

    detail::handle<dcs_config> handle_;
};

/** An instant in whole milliseconds: the system clock's own unit may end in the year 2262. */
using instant = std::chrono::time_point<std::chrono::system_clock, std::chrono::milliseconds>;

/** A period in which the DCS plans not to serve requests. */
struct outage {
    /** When it starts. */
    instant start;
    /** When it ends. */
    instant end;
    /** The reason. Empty if the DCS sent none. */
    std::optional<std::string> message;
};

/** Holds what the connection did for one call. The first three times are zero on a reused connection. */
struct connection_info {
    /** How long the host name lookup took. */
    std::chrono::microseconds dns;
    /** How long the TCP connection took. */
    std::chrono::microseconds tcp;
    /** How long the TLS handshake took. */
    std::chrono::microseconds tls;
    /** The time from the start of the call to the first byte of the answer. */
    std::chrono::microseconds first_byte;
    /** How long the whole call took. */
    std::chrono::microseconds total;
    /** Whether the call used a connection that an earlier call had opened. */
    bool reused;
    /** Whether the connection's handshake resumed a TLS session. */
    bool session_resumed;
    /** "TLSv1.2" or "TLSv1.3". */
    std::string tls_version;
    /** The cipher suite's registered name. */
    std::string tls_cipher;
};

/** Holds the DCS's answer: a value that outlives the client. */
class status {
public:
    /** Takes ownership of a response of the C ABI. */
    explicit status(detail::handle<dcs_status_response> response)
        : response_(std::move(response)) {}

    /** Returns whether the DCS is serving requests. */
    bool available() const noexcept { return dcs_status_response_available(get()) == 1; }
    /** Returns why the DCS is unavailable. Empty if it sent no reason. */
    std::optional<std::string> message() const {
        return detail::optional_text(dcs_status_response_message(get()));
    }
    /** Returns the planned outages. */
    std::vector<outage> scheduled_outages() const {
        std::vector<outage> outages;
        const std::size_t count = dcs_status_response_outage_count(get());
        outages.reserve(count);
        for (std::size_t i = 0; i < count; ++i) {
            outages.push_back(outage{
                instant(std::chrono::milliseconds(dcs_status_response_outage_start_unix_ms(get(), i))),
                instant(std::chrono::milliseconds(dcs_status_response_outage_end_unix_ms(get(), i))),
                detail::optional_text(dcs_status_response_outage_message(get(), i)),
            });
        }
        return outages;
    }
    /** Returns the body as the DCS sent it. */
    std::string json() const { return detail::text(dcs_status_response_json(get())); }
    /** Returns how long ago the answer arrived: above 0 if shared with an earlier call; see config::status_max_age. */
    std::chrono::milliseconds age() const noexcept {
        return std::chrono::milliseconds(dcs_status_response_age_ms(get()));
    }
    /** Returns what the headers say about rate limit and quota. */
    dcs::limits limits() const {
        return dcs::limits{
            detail::optional_number(dcs_status_response_rate_limit(get())),
            detail::optional_number(dcs_status_response_rate_limit_remaining(get())),
            detail::optional_time(dcs_status_response_rate_limit_reset_ms(get())),
            detail::optional_number(dcs_status_response_quota_limit(get())),
            detail::optional_number(dcs_status_response_quota_remaining(get())),
        };
    }
    /** Returns what the connection did for this call. */
    connection_info connection() const {
        using us = std::chrono::microseconds;
        return connection_info{
            us(dcs_status_response_dns_us(get())),
            us(dcs_status_response_tcp_us(get())),
            us(dcs_status_response_tls_us(get())),
            us(dcs_status_response_first_byte_us(get())),
            us(dcs_status_response_total_us(get())),
            dcs_status_response_connection_reused(get()) == 1,
            dcs_status_response_tls_session_resumed(get()) == 1,
            detail::text(dcs_status_response_tls_version(get())),
            detail::text(dcs_status_response_tls_cipher(get())),
        };
    }

    /** Returns the handle of the C ABI, which this object still owns. */
    const dcs_status_response *get() const noexcept { return response_.get(); }

private:
    /** Never changes, so copies share it. */
    std::shared_ptr<const dcs_status_response> response_;
};

namespace detail {

/** Holds the callback of a cancellation, at an address that stays the same when the cancellation is moved. */
class callback_slot {
public:
    using function = std::function<bool()>;

    void set(function callback) {
        auto made = callback ? std::make_shared<const function>(std::move(callback)) : nullptr;
        const std::lock_guard<std::mutex> lock(mutex_);
        current_.swap(made);
    }

    /** Runs the callback of a slot. No exception leaves it: the C code that calls it cannot pass one on. */
    static std::int32_t run(void *slot) noexcept {
        try {
            const auto callback = static_cast<callback_slot *>(slot)->get();
            return !callback || (*callback)() ? 1 : 0;
        } catch (...) {
            thrown() = std::current_exception();
            return 0;
        }
    }

    /** Returns what callbacks have thrown in this thread since the last time. */
    static std::exception_ptr take_thrown() noexcept { return std::exchange(thrown(), nullptr); }

private:
    static std::exception_ptr &thrown() noexcept {
        static thread_local std::exception_ptr thrown;
        return thrown;
    }

    /** Shared, because a call may still run a callback that is being replaced. */
    std::shared_ptr<const function> get() {
        const std::lock_guard<std::mutex> lock(mutex_);
        return current_;
    }

    std::mutex mutex_;
    std::shared_ptr<const function> current_;
};

} // namespace detail

/** Ends the calls that it is passed to. Shared by any number of threads. Once cancelled it stays cancelled. */
class cancellation {
public:
    /** Creates one that is not cancelled. */
    cancellation() : handle_(dcs_cancellation_new()) {
        if (!handle_) {
            throw error(DCS_ERR_INTERNAL, nullptr);
        }
    }

    /** Ends the calls in flight within 100 ms, with DCS_ERR_INTERRUPTED. Later calls end before they send anything. */
    void cancel() const noexcept { dcs_cancellation_cancel(handle_.get()); }
    /**
     * Makes readable data on a descriptor end calls too. This lets a signal handler end a call: it writes a byte to a
     * pipe. The caller still owns the descriptor. Empty: none. Not on Windows.
     */
    void descriptor(std::optional<int> value) const {
        const dcs_code code = dcs_cancellation_set_descriptor(handle_.get(), value.value_or(-1));
        if (code != DCS_OK) {
            throw error(code, slot_ ? "A call cannot be ended by a descriptor on this system."
                                    : "The cancellation was moved to another object.");
        }
    }
    /**
     * Sets a function that calls run while they wait, about every 60 ms and whenever a signal interrupts the wait. If it
     * returns true, the call goes on; otherwise the calls end, as by cancel(). An exception ends them too, and the call
     * that ran the function throws it. Empty: none.
     *
     * It runs in the thread of the call, and in several threads at once if several calls wait. It may call the library.
     * This object owns the function, and frees it when it is replaced and no call runs it any more.
     */
    void callback(std::function<bool()> goes_on) const {
        const auto run = goes_on ? detail::callback_slot::run : nullptr;
        if (slot_) {
            slot_->set(std::move(goes_on));
        }
        const dcs_code code = dcs_cancellation_set_callback(handle_.get(), run, slot_.get());
        if (code != DCS_OK) {
            throw error(code, "The cancellation was moved to another object.");
        }
    }

    /** Returns the handle of the C ABI, which this object still owns. */
    const dcs_cancellation *get() const noexcept { return handle_.get(); }

private:
    /** Before the handle, which must be freed first. */
    std::unique_ptr<detail::callback_slot> slot_ = std::make_unique<detail::callback_slot>();
    detail::handle<dcs_cancellation> handle_;
};

/** Makes calls. Create one and share it between threads. */
class client {
public:
    /** Reads the files and creates a client; nothing is sent yet. The configuration can be used again. */
    explicit client(const config &from) {
        dcs_client *made = nullptr;
        dcs_error *failure = nullptr;
        const dcs_code code = dcs_client_new(from.get(), &made, &failure);
        handle_.reset(made);
        detail::check(code, failure);
    }

    /** Asks the DCS for its status, within the timeout. */
    dcs::status status() const {
        dcs_status_response *response = nullptr;
        dcs_error *failure = nullptr;
        const dcs_code code = dcs_status(handle_.get(), &response, &failure);
        return taken(code, response, failure);
    }
    /** The same. Also ends within 100 ms, with DCS_ERR_INTERRUPTED, when `until` is cancelled. */
    dcs::status status(const cancellation &until) const {
        dcs_status_response *response = nullptr;
        dcs_error *failure = nullptr;
        detail::callback_slot::take_thrown();
        const dcs_code code = dcs_status_until(handle_.get(), until.get(), &response, &failure);
        return taken(code, response, failure, detail::callback_slot::take_thrown());
    }
    /** Reads the files again, for the calls that start afterwards. A failure leaves the client as it was. */
    void reload() const {
        dcs_error *failure = nullptr;
        const dcs_code code = dcs_client_reload(handle_.get(), &failure);
        detail::check(code, failure);
    }
    /** Ends every call in flight, within 100 ms, with DCS_ERR_INTERRUPTED; the client stays usable. */
    void interrupt() const noexcept { dcs_client_interrupt(handle_.get()); }
    /** Returns host and port of the endpoint, such as "example.org:443". */
    std::string peer() const { return detail::text(dcs_client_peer(handle_.get())); }
    /** Returns the limit of a whole call. */
    std::chrono::milliseconds timeout() const noexcept {
        return std::chrono::milliseconds(dcs_client_timeout_ms(handle_.get()));
    }
    /** Returns the end of the client certificate's validity. Empty without a certificate or readable dates. */
    std::optional<instant> certificate_not_after() const noexcept {
        const std::int64_t at = dcs_client_certificate_not_after_unix_ms(handle_.get());
        return at != INT64_MIN ? std::optional<instant>(std::chrono::milliseconds(at)) : std::nullopt;
    }

    /** Returns the handle of the C ABI, which this object still owns. */
    const dcs_client *get() const noexcept { return handle_.get(); }

private:
    static dcs::status taken(dcs_code code, dcs_status_response *response, dcs_error *failure,
                             const std::exception_ptr &thrown = nullptr) {
        detail::handle<dcs_status_response> owned(response);
        detail::check(code, failure, thrown);
        return dcs::status(std::move(owned));
    }

    detail::handle<dcs_client> handle_;
};

/** One line of the library's log. */
struct log_record {
    /** One of the DCS_LOG_ constants. */
    int level;
    /** The part of the library, such as "dcs.tls". */
    std::string target;
    /** What happened, in one line. */
    std::string text;
    /** When it happened. */
    instant time;
};

/** Sets what the log records from now on, in the whole process: one of the DCS_LOG_ constants. */
inline void log_level(int level) {
    const dcs_code code = dcs_log_set_level(level);
    if (code != DCS_OK) {
        throw error(code, "There is no log level " + std::to_string(level) + ".");
    }
}

/** Takes the oldest record that waits to be read. Empty if there is none. */
inline std::optional<log_record> next_log_record() {
    dcs_log_record *record = nullptr;
    const dcs_code code = dcs_log_next(&record);
    const detail::handle<dcs_log_record> owned(record);
    detail::check(code, nullptr);
    if (!owned) {
        return std::nullopt;
    }
    return log_record{
        dcs_log_record_level(record),
        detail::text(dcs_log_record_target(record)),
        detail::text(dcs_log_record_text(record)),
        instant(std::chrono::milliseconds(dcs_log_record_time_unix_ms(record))),
    };
}

/** Holds the result of one check of a diagnosis. */
struct finding {
    /** The check's name, such as "DCS_CHECK_CERT_NOT_EXPIRED". */
    std::string check;
    /** "passed", "failed", or "skipped" if something that it needs is missing. */
    std::string outcome;
    /** How severe a failure of the check is: "error", "warning" or "note". */
    std::string severity;
    /** What it is about: "ca_bundle", "certificate", "private_key", "connection" or "service". */
    std::string subject;
    /** The condition under which the check passes. */
    std::string title;
    /** What it found. */
    std::string message;
    /** What to do about it. Empty if nothing has to be done. */
    std::string advice;
};

/** One step of the status call in a diagnosis, from the lookup to the answer. */
struct step {
    /** "dns", "tcp" (once for each address), "proxy", "tls" or "http". */
    std::string name;
    /** "passed", "failed" or "skipped". */
    std::string outcome;
    /** How long it took; zero for a step that was not made. */
    std::chrono::microseconds duration;
    /** What it found. */
    std::string message;
};

/** Holds what a diagnosis found: a value without key material and passwords. */
class report {
public:
    /** Takes ownership of a report of the C ABI. */
    explicit report(detail::handle<dcs_report> from) : report_(std::move(from)) {}

    /** Returns whether no check of severity "error" failed. Warnings and notes do not count. */
    bool ok() const noexcept { return dcs_report_ok(get()) == 1; }
    /** Returns the most likely cause of what is wrong. Empty if nothing is wrong; notes do not count. */
    std::optional<finding> cause() const {
        const std::int32_t at = dcs_report_cause(get());
        if (at < 0) {
            return std::nullopt;
        }
        return finding_at(static_cast<std::size_t>(at));
    }
    /** Returns the whole report as plain text, the most likely cause first. */
    std::string text() const { return detail::text(dcs_report_text(get())); }
    /** Returns the whole report as one JSON object. */
    std::string json() const { return detail::text(dcs_report_json(get())); }
    /** Returns the whole report as one HTML document. */
    std::string html() const { return detail::text(dcs_report_html(get())); }
    /** Returns the findings: the most likely cause, the other failed checks, then the skipped and the passed ones. */
    std::vector<finding> findings() const {
        std::vector<finding> findings;
        const std::size_t count = dcs_report_finding_count(get());
        findings.reserve(count);
        for (std::size_t i = 0; i < count; ++i) {
            findings.push_back(finding_at(i));
        }
        return findings;
    }
    /** Returns the steps of the status call, in the order in which they were made. */
    std::vector<step> steps() const {
        std::vector<step> steps;
        const std::size_t count = dcs_report_step_count(get());
        steps.reserve(count);
        for (std::size_t i = 0; i < count; ++i) {
            steps.push_back(step{
                detail::text(dcs_report_step_name(get(), i)),
                detail::text(dcs_report_step_outcome(get(), i)),
                std::chrono::microseconds(dcs_report_step_us(get(), i)),
                detail::text(dcs_report_step_message(get(), i)),
            });
        }
        return steps;
    }
    /** Returns the same report without paths and without the names in certificates. */
    report redacted() const {
        dcs_report *made = nullptr;
        dcs_error *failure = nullptr;
        const dcs_code code = dcs_report_redacted(get(), &made, &failure);
        detail::handle<dcs_report> owned(made);
        detail::check(code, failure);
        return report(std::move(owned));
    }

    /** Returns the handle of the C ABI, which this object still owns. */
    const dcs_report *get() const noexcept { return report_.get(); }

private:
    finding finding_at(std::size_t i) const {
        return finding{
            detail::text(dcs_report_finding_check(get(), i)),
            detail::text(dcs_report_finding_outcome(get(), i)),
            detail::text(dcs_report_finding_severity(get(), i)),
            detail::text(dcs_report_finding_subject(get(), i)),
            detail::text(dcs_report_finding_title(get(), i)),
            detail::text(dcs_report_finding_message(get(), i)),
            detail::text(dcs_report_finding_advice(get(), i)),
        };
    }

    /** Never changes, so copies share it. */
    std::shared_ptr<const dcs_report> report_;
};

/**
 * Checks a configuration, even one from which no client can be created, and reports what is wrong. Connects to the
 * service and makes the status call, within the configuration's timeouts.
 */
inline report diagnose(const config &from) {
    dcs_report *made = nullptr;
    dcs_error *failure = nullptr;
    const dcs_code code = dcs_diagnose(from.get(), &made, &failure);
    detail::handle<dcs_report> owned(made);
    detail::check(code, failure);
    return report(std::move(owned));
}
/** The same. Also ends with DCS_ERR_INTERRUPTED when `until` is cancelled: within 100 ms during network waits. */
inline report diagnose(const config &from, const cancellation &until) {
    dcs_report *made = nullptr;
    dcs_error *failure = nullptr;
    detail::callback_slot::take_thrown();
    const dcs_code code = dcs_diagnose_until(from.get(), until.get(), &made, &failure);
    detail::handle<dcs_report> owned(made);
    detail::check(code, failure, detail::callback_slot::take_thrown());
    return report(std::move(owned));
}

/**
 * Converts a private key, in any form that a client accepts, to unencrypted PKCS#8 in DER. The bytes are secret:
 * wipe them yourself, because a vector does not.
 */
inline std::vector<std::uint8_t>
private_key_to_pkcs8_der(std::string_view data,
                         const std::optional<std::string> &password = std::nullopt) {
    dcs_buffer *made = nullptr;
    dcs_error *failure = nullptr;
    const dcs_code code = dcs_private_key_to_pkcs8_der(
        reinterpret_cast<const std::uint8_t *>(data.data()), data.size(),
        detail::c_text("The password", password), &made, &failure);
    return detail::bytes(code, made, failure);
}

/** The same, for the private key in a file. */
inline std::vector<std::uint8_t>
private_key_file_to_pkcs8_der(const std::string &path,
                              const std::optional<std::string> &password = std::nullopt) {
    dcs_buffer *made = nullptr;
    dcs_error *failure = nullptr;
    const dcs_code code = dcs_private_key_file_to_pkcs8_der(
        detail::c_text("The path", path), detail::c_text("The password", password), &made, &failure);
    return detail::bytes(code, made, failure);
}

} // namespace dcs

#endif /* DCS_HPP */
