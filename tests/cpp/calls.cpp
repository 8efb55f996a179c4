// Uses the whole of dcs.hpp against a server. tests/integration/c_abi.rs expects exit status 0.
//
//     calls BASE_URL CA_BUNDLE CERTIFICATE PRIVATE_KEY

#include <atomic>
#include <filesystem>
#include <fstream>
#include <future>
#include <iostream>
#include <sstream>
#include <string>
#include <thread>
#include <type_traits>
#include <vector>

#include <dcs.hpp>

#include "../c/system.h"

template <typename T>
constexpr bool only_moves = std::is_nothrow_move_constructible_v<T> && std::is_nothrow_move_assignable_v<T> &&
                            !std::is_copy_constructible_v<T> && !std::is_copy_assignable_v<T>;
template <typename T>
constexpr bool copies = std::is_nothrow_copy_constructible_v<T> && std::is_nothrow_copy_assignable_v<T>;

static_assert(only_moves<dcs::config>);
static_assert(only_moves<dcs::client>);
static_assert(only_moves<dcs::cancellation>);
static_assert(only_moves<dcs::detail::handle<dcs_status_response>>);
static_assert(copies<dcs::status>); // Copies share a response that never changes, and the last one frees it.
static_assert(copies<dcs::report>);
static_assert(copies<dcs::error>);
static_assert(std::is_base_of_v<std::runtime_error, dcs::error>);

namespace {

int failures = 0;

void check(bool passed, const char *what, int line) {
    if (!passed) {
        std::cerr << "line " << line << ": " << what << '\n';
        ++failures;
    }
}

#define CHECK(condition) check((condition), #condition, __LINE__)

template <typename Call>
dcs::error caught(Call call) {
    try {
        call();
    } catch (const dcs::error &error) {
        return error;
    }
    std::cerr << "nothing was thrown\n";
    ++failures;
    return dcs::error(DCS_OK, nullptr);
}

std::string content(const std::string &path) {
    std::ifstream file(std::filesystem::u8path(path), std::ios::binary);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

/** A server that accepts connections and never responds. */
class silent_server {
public:
    silent_server() : listening_(socket(AF_INET, SOCK_STREAM, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t length = sizeof address;
        CHECK(bind(listening_, reinterpret_cast<sockaddr *>(&address), length) == 0);
        CHECK(listen(listening_, 8) == 0);
        CHECK(getsockname(listening_, reinterpret_cast<sockaddr *>(&address), &length) == 0);
        url_ = "https://127.0.0.1:" + std::to_string(ntohs(address.sin_port)) + "/";
    }
    silent_server(const silent_server &) = delete;
    silent_server &operator=(const silent_server &) = delete;
    ~silent_server() { close(listening_); }

    const std::string &url() const { return url_; }
    /** Waits until a call has sent a byte. Its connection stays open. */
    void wait_for_call() const {
        const int connection = accept(listening_, nullptr, nullptr);
        char byte = 0;
        CHECK(connection >= 0 && read(connection, &byte, 1) == 1);
    }

private:
    int listening_;
    std::string url_;
};

} // namespace

int main(int argc, char **argv) {
    begin_program(&argc, &argv);
    if (argc != 5) {
        return 2;
    }
    const std::string base = argv[1];
    const auto config_for = [&](const std::string &path) {
        dcs::config config;
        config.url(base + path)
            .ca_bundle_file(argv[2])
            .certificate_file(argv[3])
            .private_key_file(argv[4])
            .connect_timeout(std::chrono::minutes(5))
            .timeout(std::chrono::minutes(5));
        return config;
    };

    {
        dcs::client made(config_for("/checks/passport"));
        const dcs::client client = std::move(made);
        const dcs::status status = client.status();
        CHECK(status.available());
        CHECK(!status.message());
        CHECK(status.scheduled_outages().empty());
        CHECK(status.json() == "{\"available\":true,\"scheduledOutages\":[]}");
        CHECK(!status.limits().rate_limit);
        CHECK(status.connection().tls_version == "TLSv1.2");
        CHECK(status.connection().total.count() > 0);
        CHECK(client.status().connection().session_resumed);
        CHECK(status.age().count() == 0);
        CHECK(client.certificate_not_after() > std::chrono::system_clock::now());

        std::atomic<int> correct{0};
        std::vector<std::thread> threads;
        for (int i = 0; i < 16; ++i) {
            threads.emplace_back([&] {
                for (int j = 0; j < 10; ++j) {
                    correct += client.status().available() ? 1 : 0;
                }
            });
        }
        for (auto &thread : threads) {
            thread.join();
        }
        CHECK(correct == 160);
    }
    {
        std::optional<dcs::status> status;
        {
            const dcs::client client(config_for("/outages"));
            status = client.status();
        }
        // The status outlives the client.
        const auto outages = status->scheduled_outages();
        CHECK(outages.size() == 2);
        CHECK(outages.at(0).start == std::chrono::system_clock::from_time_t(1577881800));
        CHECK(outages.at(0).end - outages.at(0).start == std::chrono::hours(2));
        CHECK(outages.at(0).message == "Planned maintenance");
        CHECK(!outages.at(1).message);
    }
    {
        const auto limits = dcs::client(config_for("/limits")).status().limits();
        CHECK(limits.rate_limit == 50);
        CHECK(limits.rate_limit_remaining == 49);
        CHECK(limits.rate_limit_reset == std::chrono::seconds(10));
        CHECK(limits.quota_limit == 1000);
        CHECK(limits.quota_remaining == 900);
    }
    {
        const auto error = caught([&] { dcs::client(config_for("/429")).status(); });
        CHECK(error.code() == DCS_ERR_RATE_LIMITED);
        CHECK(error.http_status() == 429);
        CHECK(error.retryable());
        CHECK(error.retry_after() == std::chrono::seconds(7));
        CHECK(error.limits().rate_limit == 50);
        CHECK(error.limits().rate_limit_remaining == 0);
        CHECK(error.limits().rate_limit_reset == std::chrono::seconds(7));
        CHECK(!error.limits().quota_limit);
        const auto used_up = caught([&] { dcs::client(config_for("/403")).status(); });
        CHECK(used_up.limits().quota_limit == 1000);
        CHECK(used_up.limits().quota_remaining == 0);
        CHECK(!used_up.limits().rate_limit);
        CHECK(!error.tls_alert());
        CHECK(std::string(error.what()).find(error.message()) != std::string::npos);
        CHECK(std::string(error.what()).find(error.hint()) != std::string::npos);
    }
    {
        dcs::config config;
        config.url(base + "/checks/passport")
            .ca_bundle(content(argv[2]))
            .certificate(content(argv[3]))
            .private_key(content(argv[4]));
        CHECK(dcs::client(config).status().available());
        const auto path = caught([&] { config.certificate_file("\xff\xfe"); });
        CHECK(path.code() == DCS_ERR_INVALID_ARGUMENT);
        CHECK(path.message().find("certificate's path") != std::string::npos);
        const auto rejected = caught([&] { config.url("http://localhost/"); });
        CHECK(rejected.code() == DCS_ERR_INVALID_ARGUMENT);
        CHECK(rejected.message().find("http://localhost/") != std::string::npos);
        CHECK(caught([&] { config.timeout(std::chrono::milliseconds(0)); }).code() ==
              DCS_ERR_INVALID_ARGUMENT);
        CHECK(caught([&] { config.timeout(std::chrono::milliseconds(-1)); }).code() ==
              DCS_ERR_INVALID_ARGUMENT);
        // A rejected value is reported again until the option is set.
        CHECK(caught([&] { dcs::client{config}; }).code() == DCS_ERR_INVALID_ARGUMENT);
        config.certificate(content(argv[3])).url(base + "/checks/passport").timeout(std::chrono::minutes(5));
        CHECK(dcs::client(config).status().available());
        config.proxy("http://localhost:1").private_key_password("unused");
        CHECK(caught([&] { dcs::client(config).status(); }).code() == DCS_ERR_PROXY);
    }
    {
        const silent_server server;
        dcs::config config = config_for("");
        config.url(server.url()).connect_timeout(std::chrono::minutes(10)).timeout(std::chrono::minutes(10));
        const dcs::client client(config);
        const dcs::cancellation until;
        const auto in_flight = [&](auto call) {
            auto code = std::async(std::launch::async, [=] { return caught(call).code(); });
            server.wait_for_call();
            return code;
        };
        auto interrupted = in_flight([&] { client.status(); });
        client.interrupt();
        CHECK(interrupted.get() == DCS_ERR_INTERRUPTED);

#ifndef _WIN32
        int ends[2];
        CHECK(pipe(ends) == 0);
        until.descriptor(ends[0]);
        auto signalled = in_flight([&] { client.status(until); });
        CHECK(write(ends[1], "x", 1) == 1);
        CHECK(signalled.get() == DCS_ERR_INTERRUPTED);
        until.descriptor(std::nullopt);
        close(ends[0]);
        close(ends[1]);
#else
        CHECK(caught([&] { until.descriptor(0); }).code() == DCS_ERR_INVALID_ARGUMENT);
#endif

        // The callback is kept by the cancellation, also by one that is moved.
        const auto kept = std::make_shared<std::atomic<int>>(0);
        {
            dcs::cancellation made;
            made.callback([kept] { return ++*kept < 3; });
            const dcs::cancellation moved = std::move(made);
            CHECK(caught([&] { client.status(moved); }).code() == DCS_ERR_INTERRUPTED);
            CHECK(*kept == 3);
            CHECK(kept.use_count() == 2);
            const dcs::cancellation other;
            other.callback([] { return false; });
            CHECK(caught([&] { dcs::diagnose(config, other); }).code() == DCS_ERR_INTERRUPTED);
            // Callbacks are replaced while a call runs them.
            std::atomic<int> runs{0};
            auto replaced = in_flight([&] { client.status(until); });
            for (int i = 1; i <= 3; ++i) {
                until.callback([&runs, i] {
                    runs = i;
                    return true;
                });
                while (runs != i) {
                    std::this_thread::yield();
                }
            }
            until.callback(nullptr);
            const dcs::cancellation never;
            never.callback([] { return false; });
            never.callback(nullptr);
            CHECK(dcs::client(config_for("/checks/passport")).status(never).available());
            until.callback([] { return false; });
            CHECK(replaced.get() == DCS_ERR_INTERRUPTED);
        }
        CHECK(kept.use_count() == 1);

        // An exception in a callback ends the call, which throws it once, not the calls after it.
        for (int i = 0; i < 2; ++i) {
            const dcs::cancellation throws;
            throws.callback([]() -> bool { throw std::domain_error("from the callback"); });
            std::string what;
            try {
                i == 0 ? static_cast<void>(client.status(throws)) : static_cast<void>(dcs::diagnose(config, throws));
            } catch (const std::domain_error &error) {
                what = error.what();
            }
            CHECK(what == "from the callback");
            CHECK(caught([&] { client.status(throws); }).code() == DCS_ERR_INTERRUPTED);
        }

        const dcs::cancellation ended;
        auto cancelled = in_flight([&] { client.status(ended); });
        ended.cancel();
        CHECK(cancelled.get() == DCS_ERR_INTERRUPTED);
        CHECK(caught([&] { client.status(ended); }).code() == DCS_ERR_INTERRUPTED);
        CHECK(dcs::client(config_for("/checks/passport")).status(dcs::cancellation()).available());
    }
    {
        const auto copy = std::filesystem::temp_directory_path() / ("dcs-cpp-" + std::to_string(getpid()) + ".pem");
        std::filesystem::copy_file(std::filesystem::u8path(argv[3]), copy, std::filesystem::copy_options::overwrite_existing);
        dcs::config config = config_for("/checks/passport");
        config.certificate_file(copy.u8string());
        const dcs::client client(config);
        client.reload();
        std::filesystem::remove(copy);
        const auto missing = caught([&] { client.reload(); });
        CHECK(missing.code() == DCS_ERR_FILE);
        CHECK(missing.message().find(copy.u8string()) != std::string::npos);
        CHECK(client.status().available());
        dcs::config bytes;
        bytes.ca_bundle(content(argv[2]));
        CHECK(caught([&] { dcs::client(bytes).reload(); }).code() == DCS_ERR_INVALID_ARGUMENT);
        CHECK(!dcs::client(bytes).certificate_not_after());
    }
    {
        const dcs::client client(config_for("/checks/passport").status_max_age(std::chrono::hours(1)));
        const auto first = client.status();
        while (client.status().age().count() == 0) {
            std::this_thread::yield();
        }
        CHECK(client.status().connection().total == first.connection().total);

        const dcs::client patient(config_for("/429").honour_retry_after(true));
        CHECK(caught([&] { patient.status(); }).http_status() == 429);
        const auto kept = caught([&] { patient.status(); });
        CHECK(kept.code() == DCS_ERR_RATE_LIMITED);
        CHECK(!kept.http_status());
        dcs::config config;
        config.reload_interval(std::chrono::seconds(60)).honour_retry_after(false);
        CHECK(caught([&] { config.reload_interval(std::chrono::milliseconds(-1)); }).code() ==
              DCS_ERR_INVALID_ARGUMENT);
        CHECK(caught([&] { config.status_max_age(std::chrono::milliseconds(-1)); }).code() ==
              DCS_ERR_INVALID_ARGUMENT);
    }
    {
        const auto error = caught([] {
            dcs::config config;
            config.ca_bundle_file("/does/not/exist.pem");
            dcs::client made(config);
        });
        CHECK(error.code() == DCS_ERR_FILE);
        CHECK(error.os_code().has_value());
        CHECK(error.check() == "DCS_CHECK_FILE_READABLE");
    }
    {
        CHECK(!dcs::next_log_record());
        const auto unknown = caught([] { dcs::log_level(6); });
        CHECK(unknown.code() == DCS_ERR_INVALID_ARGUMENT);
        CHECK(unknown.message().find("6") != std::string::npos);
        const auto begun = std::chrono::system_clock::now() - std::chrono::seconds(1);
        dcs::log_level(DCS_LOG_INFO);
        CHECK(dcs::client(config_for("/checks/passport")).status().available());
        dcs::log_level(DCS_LOG_OFF);
        const auto record = dcs::next_log_record();
        CHECK(record && record->level == DCS_LOG_INFO);
        CHECK(record && record->target == "dcs.client");
        CHECK(record && record->text.find("HTTP 200") != std::string::npos);
        CHECK(record && record->time > begun);
        CHECK(!dcs::next_log_record());
    }
    {
        const dcs::report report = dcs::diagnose(config_for("/checks/passport"));
        CHECK(report.ok());
        CHECK(!report.cause());
        CHECK(report.text().size() > 40);
        CHECK(report.json().find("DCS_CHECK_CERT_NOT_EXPIRED") != std::string::npos);
        CHECK(report.html().find("<html") != std::string::npos);
        CHECK(!report.findings().empty());
        bool is_http_passed = false;
        for (const auto &step : report.steps()) {
            CHECK(step.duration.count() >= 0);
            is_http_passed |= step.name == "http" && step.outcome == "passed";
        }
        CHECK(is_http_passed);
        CHECK(report.json().find(argv[3]) != std::string::npos);
        const dcs::report redacted = report.redacted();
        CHECK(redacted.ok());
        CHECK(redacted.json().find(argv[3]) == std::string::npos);
        CHECK(redacted.findings().size() == report.findings().size());
    }
    {
        // This configuration cannot make a client.
        dcs::config config = config_for("/checks/passport");
        config.certificate_file("/does/not/exist.pem");
        const dcs::report report = dcs::diagnose(config);
        CHECK(!report.ok());
        const auto cause = report.cause();
        CHECK(cause.has_value());
        if (cause) {
            CHECK(cause->check == "DCS_CHECK_FILE_READABLE");
            CHECK(cause->outcome == "failed");
            CHECK(cause->severity == "error");
            CHECK(cause->subject == "certificate");
            CHECK(cause->title == "The file can be read.");
            CHECK(cause->message.find("/does/not/exist.pem") != std::string::npos);
            CHECK(!cause->advice.empty());
            CHECK(report.findings().front().message == cause->message);
        }
    }
    {
        const auto der = dcs::private_key_to_pkcs8_der(content(argv[4]));
        CHECK(der.size() > 1000);
        CHECK(der.at(0) == 0x30);
        CHECK(dcs::private_key_to_pkcs8_der(content(argv[4]), "unused") == der);
        CHECK(dcs::private_key_file_to_pkcs8_der(argv[4]) == der);
        const auto error = caught([] { dcs::private_key_to_pkcs8_der("no key"); });
        CHECK(error.code() == DCS_ERR_PRIVATE_KEY);
    }
    {
        // C would cut a text at the NUL.
        using namespace std::string_literals;
        const auto nul = [](auto call, const char *what) {
            const auto error = caught(call);
            CHECK(error.code() == DCS_ERR_INVALID_ARGUMENT);
            CHECK(error.message() == std::string(what) + " contains a NUL character.");
            CHECK(!error.hint().empty());
        };
        dcs::config config = config_for("/checks/passport");
        const std::string url = base + "/checks/passport";
        nul([&] { config.url(url + "\0?"s); }, "The value of the option 'url'");
        CHECK(caught([&] { dcs::client{config}; }).code() == DCS_ERR_INVALID_ARGUMENT); // It is remembered.
        config.url(url);
        nul([&] { config.ca_bundle_file(argv[2] + "\0.old"s); }, "The CA bundle's path");
        nul([&] { config.certificate_file(argv[3] + "\0.old"s); }, "The certificate's path");
        nul([&] { config.private_key_file(argv[4] + "\0.old"s); }, "The private key's path");
        CHECK(caught([&] { dcs::client{config}; }).code() == DCS_ERR_INVALID_ARGUMENT);
        config.ca_bundle_file(argv[2]).certificate_file(argv[3]).private_key_file(argv[4]);
        nul([&] { config.private_key_password("correct\0horse"s); }, "The private key password");
        config.private_key_password("unused");
        nul([] { dcs::config().proxy("http://localhost:1\0"s); }, "The value of the option 'proxy'");
        nul([&] { config.option("timeout_ms\0"s, "1"); }, "The name of an option");
        nul([&] { dcs::private_key_to_pkcs8_der(content(argv[4]), "correct\0horse"s); }, "The password");
        nul([&] { dcs::private_key_file_to_pkcs8_der(argv[4] + "\0"s); }, "The path");
        CHECK(dcs::client(config).status().available());
    }
    {
        // An object that was moved from has no values, and its calls fail.
        const auto fails = [](auto call) { CHECK(caught(call).code() == DCS_ERR_INVALID_ARGUMENT); };
        dcs::config config = config_for("/checks/passport");
        dcs::client client(config);
        dcs::cancellation cancellation;
        dcs::status status = client.status();
        dcs::report report = dcs::diagnose(config);
        dcs::error error = caught([&] { config.timeout(std::chrono::milliseconds(0)); });
        const dcs::config config_now = std::move(config);
        const dcs::client client_now = std::move(client);
        const dcs::cancellation cancellation_now = std::move(cancellation);
        const dcs::status status_now = std::move(status);
        const dcs::report report_now = std::move(report);
        const dcs::error error_now = std::move(error);

        fails([&] { config.url("https://localhost/"); });
        fails([&] { config.ca_bundle("").certificate_file("a").load_env(); });
        CHECK(caught([&] { config.private_key_file("a"); }).message() == "The configuration was moved to another object.");
        fails([&] { dcs::client{config}; });
        fails([&] { dcs::diagnose(config); });
        fails([&] { client.status(); });
        fails([&] { client.status(cancellation_now); });
        fails([&] { client.reload(); });
        client.interrupt();
        CHECK(client.peer().empty() && client.timeout().count() == 0 && !client.certificate_not_after());
        cancellation.cancel();
        fails([&] { cancellation.descriptor(std::nullopt); });
        fails([&] { cancellation.callback([] { return true; }); });
        fails([&] { client_now.status(cancellation); });
        CHECK(!status.available() && !status.message() && status.json().empty());
        CHECK(status.scheduled_outages().empty() && !status.limits().quota_limit && status.connection().tls_cipher.empty());
        CHECK(!report.ok() && !report.cause() && report.text().empty() && report.findings().empty());
        fails([&] { report.redacted(); });
        CHECK(error.code() == error_now.code() && error.message() == error_now.message());
        CHECK(client_now.status().available() && status_now.available() && report_now.ok());
        client = dcs::client(config_for("/checks/passport"));
        CHECK(client.status().available());
    }
    return failures == 0 ? 0 : 1;
}
