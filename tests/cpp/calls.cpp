// Uses all of dcs.hpp against a server; tests/c_abi.rs runs it and wants an exit status of 0.
//
//     calls BASE_URL CA_BUNDLE CERTIFICATE PRIVATE_KEY

#include <atomic>
#include <fstream>
#include <iostream>
#include <sstream>
#include <string>
#include <thread>
#include <type_traits>
#include <vector>

#include <dcs.hpp>

static_assert(std::is_nothrow_move_constructible_v<dcs::client>);
static_assert(!std::is_copy_constructible_v<dcs::client>);
static_assert(std::is_copy_constructible_v<dcs::status>);
static_assert(std::is_copy_constructible_v<dcs::report>);
static_assert(std::is_nothrow_copy_constructible_v<dcs::error>);
static_assert(std::is_base_of_v<std::runtime_error, dcs::error>);

namespace {

int failures = 0;

void check(bool right, const char *what, int line) {
    if (!right) {
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
    std::ifstream file(path, std::ios::binary);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

} // namespace

int main(int argc, char **argv) {
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
            .connect_timeout(std::chrono::seconds(5))
            .timeout(std::chrono::seconds(20));
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

        std::atomic<int> right{0};
        std::vector<std::thread> threads;
        for (int i = 0; i < 16; ++i) {
            threads.emplace_back([&] {
                for (int j = 0; j < 10; ++j) {
                    right += client.status().available() ? 1 : 0;
                }
            });
        }
        for (auto &thread : threads) {
            thread.join();
        }
        CHECK(right == 160);
    }
    {
        std::optional<dcs::status> status;
        {
            const dcs::client client(config_for("/outages"));
            status = client.status();
        }
        // The answer outlives the client.
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
        const auto refused = caught([&] { config.url("http://localhost/"); });
        CHECK(refused.code() == DCS_ERR_INVALID_ARGUMENT);
        CHECK(refused.message().find("http://localhost/") != std::string::npos);
        CHECK(caught([&] { config.timeout(std::chrono::milliseconds(0)); }).code() ==
              DCS_ERR_INVALID_ARGUMENT);
        CHECK(caught([&] { config.timeout(std::chrono::milliseconds(-1)); }).code() ==
              DCS_ERR_INVALID_ARGUMENT);
        config.proxy("http://localhost:1").private_key_password("unused");
        CHECK(caught([&] { dcs::client(config).status(); }).code() == DCS_ERR_PROXY);
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
        // No client can be made from this.
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
    return failures == 0 ? 0 : 1;
}
