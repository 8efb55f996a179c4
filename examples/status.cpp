// Requests the DCS's status, with the settings from the environment:
// DCS_URL, DCS_CA_BUNDLE, DCS_CERTIFICATE and DCS_PRIVATE_KEY.
//
//     c++ -std=c++17 -o status examples/status.cpp -Iinclude -Ltarget/release -ldcs -Wl,-rpath,$PWD/target/release
//     ./status

#include <iostream>

#include <dcs.hpp>

int main() {
    try {
        dcs::config config;
        config.load_env();
        // Keep the client for as long as the service runs; any thread may call it.
        const dcs::client client(config);
        const dcs::status status = client.status();
        std::cout << "available: " << (status.available() ? "yes" : "no") << '\n';
        if (const auto message = status.message()) {
            std::cout << "message: " << *message << '\n';
        }
        std::cout << "planned outages: " << status.scheduled_outages().size() << '\n';
    } catch (const dcs::error &error) {
        std::cerr << error.message() << '\n' << error.hint() << '\n';
        return 1;
    }
}
