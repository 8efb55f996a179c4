/*
 * The system functions of the test programs besides threads: POSIX, or the equivalents on Windows. Include it after all
 * other headers: on Windows it defines POSIX names as macros.
 */

#ifndef DCS_TEST_SYSTEM_H
#define DCS_TEST_SYSTEM_H

#ifdef _WIN32

#ifndef NOMINMAX
#define NOMINMAX
#endif
#include <winsock2.h>
#include <ws2tcpip.h>

#include <fcntl.h>
#include <io.h>
#include <process.h>
#include <shellapi.h>
#include <stdlib.h>

#define close(socket) closesocket((SOCKET)(socket))
#define read(socket, to, count) recv((SOCKET)(socket), (to), (count), 0)
#define SHUT_RDWR SD_BOTH

/* Converts the arguments from the system's code page to UTF-8, starts Winsock, and turns off CRLF in the output. */
static void begin_program(int *count, char ***arguments) {
    WSADATA data;
    wchar_t **wide = CommandLineToArgvW(GetCommandLineW(), count);
    char **texts = (char **)calloc((size_t)*count + 1, sizeof *texts);
    int i;

    if (wide == NULL || texts == NULL || WSAStartup(MAKEWORD(2, 2), &data) != 0) {
        exit(3);
    }
    for (i = 0; i < *count; i++) {
        int length = WideCharToMultiByte(CP_UTF8, 0, wide[i], -1, NULL, 0, NULL, NULL);
        texts[i] = (char *)malloc((size_t)length);
        if (texts[i] == NULL) {
            exit(3);
        }
        WideCharToMultiByte(CP_UTF8, 0, wide[i], -1, texts[i], length, NULL, NULL);
    }
    LocalFree(wide);
    *arguments = texts;
    _setmode(1, _O_BINARY);
}

#else

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

static void begin_program(int *count, char ***arguments) {
    (void)count;
    (void)arguments;
}

#endif

#endif
