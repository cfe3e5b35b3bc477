/* The cheapest forwarder there can be, for comparison: receive, copy to every other peer of
 * the group, no look at the bytes, no cryptography.
 *
 *   null_forwarder PORT MODE GROUP PEER_PORT...
 *
 * MODE is "sendto" (one call a copy) or "gso" (drain, then one sendmsg with UDP_SEGMENT a
 * peer). Peers are on 127.0.0.1, GROUP of them form a conference, in the order given. Ends on
 * SIGTERM or after ten minutes and prints: packets sent, CPU seconds.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/udp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#define MAX_PEERS 128
#define MAX_DRAIN 256
#define MAX_SEGMENTS 48
#define SIZE 1500

static volatile sig_atomic_t stop;
static void on_term(int s) { (void)s; stop = 1; }

static struct sockaddr_in peers[MAX_PEERS];
static int from_port_to_peer[65536];
static char data[MAX_DRAIN][SIZE];
static int length[MAX_DRAIN], origin[MAX_DRAIN];

int main(int argc, char **argv) {
  if (argc < 5) return 2;
  int port = atoi(argv[1]), gso = !strcmp(argv[2], "gso"), group = atoi(argv[3]);
  int count = argc - 4;
  if (count > MAX_PEERS || group < 2) return 2;
  memset(from_port_to_peer, -1, sizeof from_port_to_peer);
  for (int i = 0; i < count; i++) {
    peers[i].sin_family = AF_INET;
    peers[i].sin_port = htons((unsigned short)atoi(argv[4 + i]));
    inet_pton(AF_INET, "127.0.0.1", &peers[i].sin_addr);
    from_port_to_peer[atoi(argv[4 + i]) & 65535] = i;
  }
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0), buffer = 8 << 20;
  struct sockaddr_in self = {.sin_family = AF_INET, .sin_port = htons((unsigned short)port)};
  inet_pton(AF_INET, "127.0.0.1", &self.sin_addr);
  setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
  if (bind(fd, (struct sockaddr *)&self, sizeof self)) return 1;
  signal(SIGTERM, on_term);
  long sent = 0;
  time_t end = time(NULL) + 600;
  puts("ready");
  fflush(stdout);
  while (!stop && time(NULL) < end) {
    struct pollfd p = {.fd = fd, .events = POLLIN};
    if (poll(&p, 1, 100) <= 0) continue;
    int n = 0;
    while (n < MAX_DRAIN) {
      struct sockaddr_in a;
      socklen_t al = sizeof a;
      ssize_t r = recvfrom(fd, data[n], SIZE, 0, (struct sockaddr *)&a, &al);
      if (r < 0) break;
      length[n] = (int)r;
      origin[n] = from_port_to_peer[ntohs(a.sin_port)];
      if (origin[n] >= 0) n++;
    }
    for (int to = 0; to < count; to++) {
      struct iovec v[MAX_SEGMENTS];
      int segments = 0;
      for (int k = 0; k <= n; k++) {
        int mine = k < n && origin[k] != to && origin[k] / group == to / group;
        int flush = k == n || (mine && segments &&
                    (segments == MAX_SEGMENTS || (int)v[0].iov_len != length[k]));
        if (mine && !gso) {
          if (sendto(fd, data[k], (size_t)length[k], 0, (struct sockaddr *)&peers[to],
                     sizeof peers[to]) >= 0) sent++;
          continue;
        }
        if (flush && segments) {
          char control[CMSG_SPACE(sizeof(unsigned short))];
          struct msghdr m = {.msg_name = &peers[to], .msg_namelen = sizeof peers[to],
                             .msg_iov = v, .msg_iovlen = (size_t)segments};
          if (segments > 1) {
            m.msg_control = control;
            m.msg_controllen = sizeof control;
            struct cmsghdr *c = CMSG_FIRSTHDR(&m);
            c->cmsg_level = IPPROTO_UDP;
            c->cmsg_type = UDP_SEGMENT;
            c->cmsg_len = CMSG_LEN(sizeof(unsigned short));
            unsigned short size = (unsigned short)v[0].iov_len;
            memcpy(CMSG_DATA(c), &size, sizeof size);
          }
          if (sendmsg(fd, &m, 0) >= 0) sent += segments;
          segments = 0;
        }
        if (mine) {
          v[segments].iov_base = data[k];
          v[segments++].iov_len = (size_t)length[k];
        }
      }
    }
  }
  struct rusage u;
  getrusage(RUSAGE_SELF, &u);
  printf("%ld %.6f\n", sent,
         (double)u.ru_utime.tv_sec + (double)u.ru_stime.tv_sec +
             1e-6 * (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec));
  return 0;
}
