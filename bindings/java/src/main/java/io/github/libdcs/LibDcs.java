package io.github.libdcs;

/**
 * Declares the functions of {@code include/dcs.h} under their C names, and its log levels.
 *
 * <p>{@link NativeLoader} binds the functions; none may be called but between
 * {@link NativeLoader#enter()} and {@link NativeLoader#leave()}.
 * Functions that take a callback are left out, because no Java code is to run inside a native call: {@link LogBridge}
 * fetches the records when a call has ended.
 *
 * <p>Pointers, {@code size_t} and {@code int64_t} are all {@code long}. JNA passes primitives without allocating, and
 * the three have one size on the 64-bit platforms that the loader admits. (JNA's {@code NativeLong} is C's
 * {@code long}, which has 32 bits on 64-bit Windows.) Text is passed as NUL-terminated UTF-8 in a {@code byte[]},
 * because JNA encodes a {@code String} in the platform's charset. Secrets are passed by the address of memory that is
 * wiped ({@link SecretMemory}), because JNA copies a {@code byte[]} to memory that is not. Out-parameters are a
 * {@code long[]} of one element.
 */
final class LibDcs {
    // Begin: written from include/dcs.h by "make bindings".
    static final int DCS_LOG_OFF = 0;
    static final int DCS_LOG_ERROR = 1;
    static final int DCS_LOG_WARNING = 2;
    static final int DCS_LOG_INFO = 3;
    static final int DCS_LOG_DEBUG = 4;
    static final int DCS_LOG_TRACE = 5;

    static native long dcs_version();

    static native int dcs_abi_version();

    static native long dcs_code_name(int code);
    static native long dcs_code_hint(int code);

    static native int dcs_error_code(long error);
    static native long dcs_error_message(long error);
    static native long dcs_error_hint(long error);
    static native long dcs_error_check(long error);
    static native int dcs_error_http_status(long error);
    static native int dcs_error_tls_alert(long error);
    static native int dcs_error_os_code(long error);
    static native int dcs_error_retryable(long error);
    static native long dcs_error_retry_after_ms(long error);
    static native long dcs_error_rate_limit(long error);
    static native long dcs_error_rate_limit_remaining(long error);
    static native long dcs_error_rate_limit_reset_ms(long error);
    static native long dcs_error_quota_limit(long error);
    static native long dcs_error_quota_remaining(long error);
    static native void dcs_error_free(long error);

    static native long dcs_config_new();
    static native void dcs_config_free(long config);
    static native int dcs_config_set_url(long config, byte[] url);
    static native int dcs_config_set_ca_bundle_file(long config, byte[] path);
    static native int dcs_config_set_ca_bundle(long config, long data, long len);
    static native int dcs_config_set_certificate_file(long config, byte[] path);
    static native int dcs_config_set_certificate(long config, long data, long len);
    static native int dcs_config_set_private_key_file(long config, byte[] path);
    static native int dcs_config_set_private_key(long config, long data, long len);
    static native int dcs_config_set_private_key_password(long config, long password);
    static native int dcs_config_set_connect_timeout_ms(long config, int ms);
    static native int dcs_config_set_timeout_ms(long config, int ms);
    static native int dcs_config_set_reload_interval_ms(long config, int ms);
    static native int dcs_config_set_honour_retry_after(long config, int on);
    static native int dcs_config_set_status_max_age_ms(long config, int ms);
    static native int dcs_config_set_proxy(long config, byte[] url);
    static native int dcs_config_set_option(long config, byte[] name, byte[] value, long[] error);
    static native int dcs_config_load_env(long config, long[] error);

    static native int dcs_client_new(long config, long[] client, long[] error);
    static native int dcs_client_reload(long client, long[] error);
    static native int dcs_client_interrupt(long client);
    static native long dcs_client_peer(long client);
    static native int dcs_client_timeout_ms(long client);
    static native long dcs_client_certificate_not_after_unix_ms(long client);
    static native void dcs_client_free(long client);

    static native long dcs_cancellation_new();
    static native int dcs_cancellation_cancel(long cancellation);
    static native int dcs_cancellation_set_descriptor(long cancellation, int descriptor);
    static native void dcs_cancellation_free(long cancellation);

    static native int dcs_status(long client, long[] response, long[] error);
    static native int dcs_status_until(long client, long cancellation, long[] response, long[] error);
    static native int dcs_status_response_available(long response);
    static native long dcs_status_response_message(long response);
    static native long dcs_status_response_outage_count(long response);
    static native long dcs_status_response_outage_start(long response, long index);
    static native long dcs_status_response_outage_end(long response, long index);
    static native long dcs_status_response_outage_message(long response, long index);
    static native long dcs_status_response_outage_start_unix_ms(long response, long index);
    static native long dcs_status_response_outage_end_unix_ms(long response, long index);
    static native long dcs_status_response_json(long response);
    static native long dcs_status_response_age_ms(long response);
    static native long dcs_status_response_rate_limit(long response);
    static native long dcs_status_response_rate_limit_remaining(long response);
    static native long dcs_status_response_rate_limit_reset_ms(long response);
    static native long dcs_status_response_quota_limit(long response);
    static native long dcs_status_response_quota_remaining(long response);
    static native long dcs_status_response_dns_us(long response);
    static native long dcs_status_response_tcp_us(long response);
    static native long dcs_status_response_tls_us(long response);
    static native long dcs_status_response_first_byte_us(long response);
    static native long dcs_status_response_total_us(long response);
    static native int dcs_status_response_connection_reused(long response);
    static native int dcs_status_response_tls_session_resumed(long response);
    static native long dcs_status_response_tls_version(long response);
    static native long dcs_status_response_tls_cipher(long response);
    static native void dcs_status_response_free(long response);

    static native int dcs_diagnose(long config, long[] report, long[] error);
    static native int dcs_diagnose_until(long config, long cancellation, long[] report, long[] error);

    static native int dcs_report_ok(long report);
    static native int dcs_report_cause(long report);
    static native long dcs_report_text(long report);
    static native long dcs_report_json(long report);
    static native long dcs_report_html(long report);
    static native int dcs_report_redacted(long report, long[] redacted, long[] error);
    static native long dcs_report_finding_count(long report);
    static native long dcs_report_finding_check(long report, long index);
    static native long dcs_report_finding_outcome(long report, long index);
    static native long dcs_report_finding_severity(long report, long index);
    static native long dcs_report_finding_subject(long report, long index);
    static native long dcs_report_finding_title(long report, long index);
    static native long dcs_report_finding_message(long report, long index);
    static native long dcs_report_finding_advice(long report, long index);
    static native long dcs_report_step_count(long report);
    static native long dcs_report_step_name(long report, long index);
    static native long dcs_report_step_outcome(long report, long index);
    static native long dcs_report_step_message(long report, long index);
    static native long dcs_report_step_us(long report, long index);
    static native void dcs_report_free(long report);

    static native int dcs_private_key_to_pkcs8_der(long data, long len, long password, long[] der, long[] error);
    static native int dcs_private_key_file_to_pkcs8_der(byte[] path, long password, long[] der, long[] error);

    static native long dcs_buffer_data(long buffer);
    static native long dcs_buffer_len(long buffer);
    static native void dcs_buffer_free(long buffer);

    static native int dcs_log_set_level(int level);
    static native int dcs_log_next(long[] record);
    static native int dcs_log_record_level(long record);
    static native long dcs_log_record_target(long record);
    static native long dcs_log_record_text(long record);
    static native long dcs_log_record_time_unix_ms(long record);
    static native void dcs_log_record_free(long record);
    // End.

    private LibDcs() {
    }
}
