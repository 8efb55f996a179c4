/*
 * Adds round-trip time for benches/scaling.py, on kernels with and without netem. Linux only.
 *
 *     delay DEVICE MICROSECONDS
 *
 * DEVICE is an existing TUN device with an address A and a network. Each IPv4 packet to another address B of that network
 * returns MICROSECONDS later as a packet from B to A. A packet to B thus reaches A's listener, and A's answer to B reaches
 * the connection that was opened to B. A round trip between client and server takes two such delays. Swapping the addresses
 * keeps both checksums valid. Runs until it is terminated.
 */

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

/* More packets than 256 threads have in flight. A packet that does not fit is dropped, as in a network. */
enum { SLOTS = 32768, LARGEST = 1500, SMALLEST = 20 };

struct packet {
    int64_t due;
    size_t length;
    unsigned char bytes[LARGEST];
};

static int64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static void swap_addresses(unsigned char *bytes) {
    unsigned char source[4];
    memcpy(source, bytes + 12, 4);
    memcpy(bytes + 12, bytes + 16, 4);
    memcpy(bytes + 16, source, 4);
}

int main(int argc, char **argv) {
    struct ifreq request = {0};
    struct packet *ring;
    size_t first = 0, count = 0;
    int64_t delay;
    int device;

    if (argc != 3 || (delay = atoll(argv[2]) * 1000) < 0) {
        fprintf(stderr, "usage: delay DEVICE MICROSECONDS\n");
        return 2;
    }
    /* Ends with the parent process, which may be killed. */
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    strncpy(request.ifr_name, argv[1], IFNAMSIZ - 1);
    request.ifr_flags = IFF_TUN | IFF_NO_PI;
    ring = calloc(SLOTS, sizeof *ring);
    device = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (ring == NULL || device < 0 || ioctl(device, TUNSETIFF, &request) != 0) {
        perror(argv[1]);
        return 1;
    }
    for (;;) {
        struct pollfd ready = {.fd = device, .events = POLLIN};
        struct timespec wait = {0};
        int64_t left = count > 0 ? ring[first].due - now() : 0;
        if (left > 0) {
            wait.tv_sec = left / 1000000000;
            wait.tv_nsec = left % 1000000000;
        }
        if (ppoll(&ready, 1, count > 0 ? &wait : NULL, NULL) < 0 && errno != EINTR) {
            perror("ppoll");
            return 1;
        }
        while (count > 0 && ring[first].due <= now()) {
            if (write(device, ring[first].bytes, ring[first].length) < 0 && errno != EAGAIN && errno != EINVAL) {
                perror("write");
                return 1;
            }
            first = (first + 1) % SLOTS;
            count--;
        }
        while (count < SLOTS) {
            struct packet *packet = &ring[(first + count) % SLOTS];
            ssize_t length = read(device, packet->bytes, LARGEST);
            if (length < 0) {
                break;
            }
            if (length >= SMALLEST && packet->bytes[0] >> 4 == 4) {
                swap_addresses(packet->bytes);
                packet->length = (size_t)length;
                packet->due = now() + delay;
                count++;
            }
        }
    }
}
