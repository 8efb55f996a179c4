//! Staying loaded: a thread of the library must not lose its code when the host unloads it.

/// Has the library stay until the process ends; once is enough. On Linux the linker has seen to it (`-z nodelete`).
pub(crate) fn keep() {
    #[cfg(windows)]
    {
        use windows_sys::Win32::System::LibraryLoader::{
            GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS, GET_MODULE_HANDLE_EX_FLAG_PIN,
            GetModuleHandleExW,
        };

        static ONCE: std::sync::Once = std::sync::Once::new();
        ONCE.call_once(|| {
            let flags = GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS | GET_MODULE_HANDLE_EX_FLAG_PIN;
            let address: *const () = (keep as fn()) as *const ();
            let mut module = std::ptr::null_mut();
            // SAFETY: with this flag the name is any address in the module, and the handle is there and writable. Where it
            // fails, the library can be unloaded as before.
            #[allow(unsafe_code)]
            let _ = unsafe { GetModuleHandleExW(flags, address.cast(), &raw mut module) };
        });
    }
}
