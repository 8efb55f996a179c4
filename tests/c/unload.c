/*
 * Prints whether dcs.dll is still loaded after FreeLibrary, for tests/integration/c_abi.rs.
 *
 *     unload CA_BUNDLE
 */

#include <stdio.h>

#include <dcs.h>

#include "system.h"

/* The only cast from the result of GetProcAddress to another function type without a warning. */
#define FUNCTION(module, name)                                                                     \
    ((__typeof__(&(name)))(void (*)(void))GetProcAddress(module, #name))

static int is_loaded(void) {
    return GetModuleHandleW(L"dcs.dll") != NULL;
}

int main(int argc, char **argv) {
    HMODULE module = LoadLibraryW(L"dcs.dll");
    dcs_config *config;
    dcs_client *client = NULL;
    dcs_status_response *response = NULL;
    dcs_code code;

    begin_program(&argc, &argv);
    if (argc != 2 || module == NULL) {
        return 2;
    }
    FreeLibrary(module);
    printf("unused=%d\n", is_loaded());

    module = LoadLibraryW(L"dcs.dll");
    config = FUNCTION(module, dcs_config_new)();
    FUNCTION(module, dcs_config_set_url)(config, "https://dcs.invalid/");
    FUNCTION(module, dcs_config_set_ca_bundle_file)(config, argv[1]);
    code = FUNCTION(module, dcs_client_new)(config, &client, NULL);
    /* The DNS lookup starts a thread. */
    if (code == DCS_OK) {
        code = FUNCTION(module, dcs_status)(client, &response, NULL);
    }
    printf("code=%s\n", FUNCTION(module, dcs_code_name)(code));
    FUNCTION(module, dcs_client_free)(client);
    FUNCTION(module, dcs_config_free)(config);
    FreeLibrary(module);
    printf("used=%d\n", is_loaded());
    return 0;
}
