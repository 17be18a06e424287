/*
 * An S3 server that throws away what it is sent and remembers what that was: size, ETag and the CRC32C that came in a
 * header, so that uploaders find what they put. It checks no signature and no checksum. A thread for each connection;
 * bodies are dropped in the kernel (MSG_TRUNC), with TLS decrypted and dropped. Keys with `.nimctl/` in them keep their
 * content: nimctl reads its inventory again. Blob storage, as far as azcopy needs it, is answered with 201.
 *
 * sink PORT [CERTIFICATE KEY]; GET /_stats answers what came since it was last asked.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum { longestHead = 65536, discardSize = 1 << 20, pageSize = 1000, buckets = 1 << 17 };

typedef struct Object {
  struct Object *next;
  char *key, *content;
  long long size;
  char etag[64], sum[16], composite;
  time_t modified;
} Object;

typedef struct Part {
  int number;
  long long size;
  char etag[64], sum[16];
} Part;

typedef struct Upload {
  struct Upload *next;
  long long id;
  char *key;
  Part *parts;
  int count, room;
} Upload;

typedef struct {
  int fd;
  SSL *tls;
  char head[longestHead + 1];
  size_t have, used;
  char *discard;
} Connection;

typedef struct {
  char method[16], *path, *query, *headers;
  long long length;
  int chunked, close;
} Request;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static Object *table[buckets];
static Upload *uploads;
static Object **sorted;
static size_t objects, sortedCount;
static int sortedIsOld = 1;
static long long ids;
static SSL_CTX *context;
static atomic_llong bytesIn, puts_, parts_, gets_, heads_, posts_, deletes_, copies_;

static void *must(void *memory) {
  if (memory == NULL) abort();
  return memory;
}

/* ---- bytes */

static ssize_t receive(Connection *c, void *into, size_t most) {
  ssize_t got = c->tls ? SSL_read(c->tls, into, (int)most) : recv(c->fd, into, most, 0);
  if (got > 0) bytesIn += got;
  return got;
}

static int sendAll(Connection *c, const char *bytes, size_t length) {
  while (length > 0) {
    ssize_t put = c->tls ? SSL_write(c->tls, bytes, (int)length) : send(c->fd, bytes, length, MSG_NOSIGNAL);
    if (put <= 0) return 0;
    bytes += put;
    length -= (size_t)put;
  }
  return 1;
}

/* Takes `length` bytes of a body; where `into` is NULL they go nowhere. */
static int take(Connection *c, long long length, char *into) {
  size_t there = c->have - c->used;
  if ((long long)there > length) there = (size_t)length;
  if (into != NULL) memcpy(into, c->head + c->used, there);
  c->used += there;
  length -= (long long)there;
  if (into != NULL) into += there;
  while (length > 0) {
    size_t most = length > discardSize ? discardSize : (size_t)length;
    ssize_t got;
    if (into != NULL) got = receive(c, into, most);
    else if (c->tls != NULL) got = receive(c, c->discard, most);
    else {
      got = recv(c->fd, c->discard, most, MSG_TRUNC);
      if (got > 0) bytesIn += got;
    }
    if (got <= 0) return 0;
    if (into != NULL) into += got;
    length -= got;
  }
  return 1;
}

/* More of the head's buffer, after what is used was dropped. */
static int more(Connection *c) {
  memmove(c->head, c->head + c->used, c->have - c->used);
  c->have -= c->used;
  c->used = 0;
  if (c->have == longestHead) return 0;
  ssize_t got = receive(c, c->head + c->have, longestHead - c->have);
  if (got <= 0) return 0;
  c->have += (size_t)got;
  c->head[c->have] = 0;
  return 1;
}

static int takeLine(Connection *c, char *line, size_t room) {
  for (;;) {
    char *start = c->head + c->used, *end = memmem(start, c->have - c->used, "\r\n", 2);
    if (end != NULL) {
      size_t length = (size_t)(end - start);
      snprintf(line, room, "%.*s", (int)length, start);
      c->used += length + 2;
      return 1;
    }
    if (!more(c)) return 0;
  }
}

static int takeChunked(Connection *c, long long *total) {
  char line[256];
  *total = 0;
  for (;;) {
    if (!takeLine(c, line, sizeof line)) return 0;
    long long size = strtoll(line, NULL, 16);
    if (size == 0) break;
    if (!take(c, size, NULL) || !takeLine(c, line, sizeof line)) return 0;
    *total += size;
  }
  do {
    if (!takeLine(c, line, sizeof line)) return 0;
  } while (line[0] != 0);
  return 1;
}

/* ---- text */

static int header(const Request *r, const char *name, char *value, size_t room) {
  size_t length = strlen(name);
  value[0] = 0;
  for (char *line = r->headers; line != NULL && *line != 0;) {
    char *end = strstr(line, "\r\n");
    if (strncasecmp(line, name, length) == 0 && line[length] == ':') {
      char *start = line + length + 1;
      while (*start == ' ') start++;
      snprintf(value, room, "%.*s", end == NULL ? (int)strlen(start) : (int)(end - start), start);
      return 1;
    }
    line = end == NULL ? NULL : end + 2;
  }
  return 0;
}

static void decode(char *text, int plusIsSpace) {
  char *to = text;
  for (; *text != 0; text++) {
    unsigned code;
    if (*text == '%' && sscanf(text + 1, "%2x", &code) == 1) {
      *to++ = (char)code;
      text += 2;
    } else *to++ = plusIsSpace && *text == '+' ? ' ' : *text;
  }
  *to = 0;
}

/* 1 where the parameter is there, also without a value. */
static int parameter(const Request *r, const char *name, char *value, size_t room) {
  size_t length = strlen(name);
  value[0] = 0;
  for (const char *p = r->query; p != NULL && *p != 0;) {
    const char *end = strchrnul(p, '&');
    if (strncmp(p, name, length) == 0 && (p[length] == '=' || p + length == end)) {
      if (p[length] == '=') snprintf(value, room, "%.*s", (int)(end - p - (long)length - 1), p + length + 1);
      decode(value, 1);
      return 1;
    }
    p = *end == 0 ? NULL : end + 1;
  }
  return 0;
}

typedef struct {
  char *bytes;
  size_t length, room;
} Text;

__attribute__((format(printf, 2, 3))) static void add(Text *t, const char *format, ...) {
  va_list values, again;
  va_start(values, format);
  va_copy(again, values);
  size_t needed = (size_t)vsnprintf(NULL, 0, format, values) + 1;
  if (t->length + needed > t->room) t->bytes = must(realloc(t->bytes, t->room = (t->length + needed) * 2));
  vsnprintf(t->bytes + t->length, needed, format, again);
  t->length += needed - 1;
  va_end(values);
  va_end(again);
}

static void addKey(Text *t, const char *key, int encoded) {
  for (; *key != 0; key++) {
    unsigned char c = (unsigned char)*key;
    if (c == '/' || c == '-' || c == '_' || c == '.' || c == '~' || (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z'))
      add(t, "%c", c);
    else if (encoded) add(t, "%%%02X", c);
    else if (c == '&') add(t, "&amp;");
    else if (c == '<') add(t, "&lt;");
    else add(t, "%c", c);
  }
}

static void stamp(char *text, size_t room, time_t when, int forXml) {
  struct tm parts;
  gmtime_r(&when, &parts);
  strftime(text, room, forXml ? "%Y-%m-%dT%H:%M:%S.000Z" : "%a, %d %b %Y %H:%M:%S GMT", &parts);
}

/* ---- objects; all with the lock held */

static size_t slot(const char *key) {
  size_t hash = 1469598103934665603u;
  for (; *key != 0; key++) hash = (hash ^ (unsigned char)*key) * 1099511628211u;
  return hash % buckets;
}

static Object *find(const char *key) {
  Object *o = table[slot(key)];
  while (o != NULL && strcmp(o->key, key) != 0) o = o->next;
  return o;
}

static Object *put(const char *key) {
  Object *o = find(key);
  if (o == NULL) {
    o = must(calloc(1, sizeof *o));
    o->key = must(strdup(key));
    o->next = table[slot(key)];
    table[slot(key)] = o;
    objects++;
    sortedIsOld = 1;
  }
  free(o->content);
  o->content = NULL;
  o->sum[0] = 0;
  o->composite = 0;
  o->modified = time(NULL);
  /* Not like an MD5: who takes it for one would compare it. */
  snprintf(o->etag, sizeof o->etag, "sink-%llx", ++ids);
  return o;
}

static void removeKey(const char *key) {
  for (Object **at = &table[slot(key)]; *at != NULL; at = &(*at)->next) {
    if (strcmp((*at)->key, key) != 0) continue;
    Object *gone = *at;
    *at = gone->next;
    free(gone->content);
    free(gone->key);
    free(gone);
    objects--;
    sortedIsOld = 1;
    return;
  }
}

static int byKey(const void *a, const void *b) {
  return strcmp((*(Object *const *)a)->key, (*(Object *const *)b)->key);
}

static void sortObjects(void) {
  if (!sortedIsOld) return;
  sorted = must(realloc(sorted, (objects + 1) * sizeof *sorted));
  sortedCount = 0;
  for (size_t i = 0; i < buckets; i++)
    for (Object *o = table[i]; o != NULL; o = o->next) sorted[sortedCount++] = o;
  qsort(sorted, sortedCount, sizeof *sorted, byKey);
  sortedIsOld = 0;
}

static Upload *findUpload(const char *id) {
  long long wanted = strtoll(id, NULL, 16);
  Upload *u = uploads;
  while (u != NULL && u->id != wanted) u = u->next;
  return u;
}

static void dropUpload(Upload *gone) {
  Upload **at = &uploads;
  while (*at != gone) at = &(*at)->next;
  *at = gone->next;
  free(gone->parts);
  free(gone->key);
  free(gone);
}

static int byNumber(const void *a, const void *b) { return ((const Part *)a)->number - ((const Part *)b)->number; }

/* ---- answers */

static int answer(Connection *c, const char *status, const char *headers, const char *body, size_t length) {
  char date[64];
  stamp(date, sizeof date, time(NULL), 0);
  Text t = {0};
  add(&t, "HTTP/1.1 %s\r\nDate: %s\r\nServer: sink\r\nx-amz-request-id: 1\r\n%s", status, date, headers);
  if (body != NULL || strncmp(status, "204", 3) != 0) {
    if (strcasestr(headers, "content-length:") == NULL) add(&t, "Content-Length: %zu\r\n", length);
  }
  add(&t, "\r\n");
  if (length > 0 && length < 16384) {
    t.bytes = must(realloc(t.bytes, t.length + length));
    memcpy(t.bytes + t.length, body, length);
    t.length += length;
    length = 0;
  }
  int sent = sendAll(c, t.bytes, t.length) && (length == 0 || sendAll(c, body, length));
  free(t.bytes);
  return sent;
}

static int answerText(Connection *c, const char *status, Text *body) {
  int sent = answer(c, status, "Content-Type: application/xml\r\n", body->bytes, body->length);
  free(body->bytes);
  return sent;
}

static int notFound(Connection *c, int withBody, const char *code) {
  Text body = {0};
  if (withBody) add(&body, "<?xml version=\"1.0\"?><Error><Code>%s</Code><Message>no</Message></Error>", code);
  return answerText(c, "404 Not Found", &body);
}

static int list(Connection *c, const Request *r, const char *bucket) {
  char prefix[4096], token[4096], after[4096], delimiter[8], encoding[8], mostText[16], from[8300], full[8300];
  parameter(r, "prefix", prefix, sizeof prefix);
  parameter(r, "continuation-token", token, sizeof token);
  if (!parameter(r, "start-after", after, sizeof after)) parameter(r, "marker", after, sizeof after);
  parameter(r, "delimiter", delimiter, sizeof delimiter);
  parameter(r, "encoding-type", encoding, sizeof encoding);
  size_t most = parameter(r, "max-keys", mostText, sizeof mostText) ? (size_t)atoi(mostText) : pageSize;
  if (most > pageSize) most = pageSize;
  int encoded = encoding[0] != 0;
  snprintf(full, sizeof full, "%s/%s", bucket, prefix);
  snprintf(from, sizeof from, "%s/%s", bucket, token[0] != 0 ? token : after);
  size_t skip = strlen(bucket) + 1, prefixLength = strlen(full);
  Text t = {0};
  add(&t, "<?xml version=\"1.0\" encoding=\"UTF-8\"?><ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">");
  add(&t, "<Name>%s</Name><Prefix>", bucket);
  addKey(&t, prefix, encoded);
  add(&t, "</Prefix><MaxKeys>%zu</MaxKeys>%s", most, encoded ? "<EncodingType>url</EncodingType>" : "");
  if (delimiter[0] != 0) add(&t, "<Delimiter>%s</Delimiter>", delimiter);
  pthread_mutex_lock(&lock);
  sortObjects();
  size_t low = 0, high = sortedCount;
  const char *start = strcmp(from, full) > 0 ? from : full;
  while (low < high) {
    size_t middle = (low + high) / 2;
    if (strcmp(sorted[middle]->key, start) < 0) low = middle + 1;
    else high = middle;
  }
  size_t count = 0;
  char last[8300] = "", common[8300] = "";
  int truncated = 0;
  for (size_t i = low; i < sortedCount; i++) {
    Object *o = sorted[i];
    if (strncmp(o->key, full, prefixLength) != 0) break;
    if (strcmp(o->key, from) == 0) continue;
    char *end = delimiter[0] == 0 ? NULL : strstr(o->key + prefixLength, delimiter);
    if (end != NULL) {
      size_t length = (size_t)(end - o->key) + strlen(delimiter);
      if (strlen(common) == length && strncmp(common, o->key, length) == 0) {
        snprintf(last, sizeof last, "%s", o->key + skip);
        continue;
      }
      if (count == most) {
        truncated = 1;
        break;
      }
      snprintf(common, sizeof common, "%.*s", (int)length, o->key);
      add(&t, "<CommonPrefixes><Prefix>");
      addKey(&t, common + skip, encoded);
      add(&t, "</Prefix></CommonPrefixes>");
    } else {
      if (count == most) {
        truncated = 1;
        break;
      }
      char when[64];
      stamp(when, sizeof when, o->modified, 1);
      add(&t, "<Contents><Key>");
      addKey(&t, o->key + skip, encoded);
      add(&t, "</Key><LastModified>%s</LastModified><ETag>&quot;%s&quot;</ETag><Size>%lld</Size>", when, o->etag, o->size);
      add(&t, "<StorageClass>STANDARD</StorageClass></Contents>");
    }
    count++;
    snprintf(last, sizeof last, "%s", o->key + skip);
  }
  pthread_mutex_unlock(&lock);
  add(&t, "<KeyCount>%zu</KeyCount><IsTruncated>%s</IsTruncated>", count, truncated ? "true" : "false");
  if (truncated) {
    add(&t, "<NextContinuationToken>");
    addKey(&t, last, 0);
    add(&t, "</NextContinuationToken><NextMarker>");
    addKey(&t, last, encoded);
    add(&t, "</NextMarker>");
  }
  add(&t, "</ListBucketResult>");
  return answerText(c, "200 OK", &t);
}

static int listParts(Connection *c, const char *id) {
  Text t = {0};
  pthread_mutex_lock(&lock);
  Upload *u = findUpload(id);
  if (u != NULL) {
    add(&t, "<?xml version=\"1.0\"?><ListPartsResult><UploadId>%s</UploadId><IsTruncated>false</IsTruncated>", id);
    qsort(u->parts, (size_t)u->count, sizeof *u->parts, byNumber);
    for (int i = 0; i < u->count; i++) {
      Part *p = &u->parts[i];
      add(&t, "<Part><PartNumber>%d</PartNumber><ETag>&quot;%s&quot;</ETag><Size>%lld</Size>", p->number, p->etag, p->size);
      if (p->sum[0] != 0) add(&t, "<ChecksumCRC32C>%s</ChecksumCRC32C>", p->sum);
      add(&t, "</Part>");
    }
    add(&t, "</ListPartsResult>");
  }
  pthread_mutex_unlock(&lock);
  return u == NULL ? notFound(c, 1, "NoSuchUpload") : answerText(c, "200 OK", &t);
}

static void notePart(const char *id, int number, long long size, const char *sum, char *etag, size_t room) {
  pthread_mutex_lock(&lock);
  snprintf(etag, room, "part-%llx", ++ids);
  Upload *u = findUpload(id);
  if (u != NULL) {
    int i = 0;
    while (i < u->count && u->parts[i].number != number) i++;
    if (i == u->room) u->parts = must(realloc(u->parts, (size_t)(u->room = u->room * 2 + 64) * sizeof *u->parts));
    if (i == u->count) u->count++;
    Part *p = &u->parts[i];
    *p = (Part){.number = number, .size = size};
    snprintf(p->etag, sizeof p->etag, "%s", etag);
    snprintf(p->sum, sizeof p->sum, "%s", sum);
  }
  pthread_mutex_unlock(&lock);
}

static int copy(Connection *c, const Request *r, const char *key, const char *id, int number) {
  char source[8300], etag[64] = "", sum[16] = "", when[64], range[64];
  header(r, "x-amz-copy-source", source, sizeof source);
  decode(source, 0);
  copies_++;
  pthread_mutex_lock(&lock);
  Object *from = find(source[0] == '/' ? source + 1 : source);
  long long size = from == NULL ? 0 : from->size;
  if (from != NULL) {
    snprintf(sum, sizeof sum, "%s", from->sum);
    if (id[0] == 0) {
      Object *to = put(key);
      to->size = size;
      snprintf(to->sum, sizeof to->sum, "%s", sum);
      snprintf(etag, sizeof etag, "%s", to->etag);
    }
  }
  pthread_mutex_unlock(&lock);
  if (from == NULL) return notFound(c, 1, "NoSuchKey");
  if (id[0] != 0) {
    long long first, last;
    if (header(r, "x-amz-copy-source-range", range, sizeof range) && sscanf(range, "bytes=%lld-%lld", &first, &last) == 2)
      size = last - first + 1;
    notePart(id, number, size, "", etag, sizeof etag);
    sum[0] = 0;
  }
  stamp(when, sizeof when, time(NULL), 1);
  const char *name = id[0] == 0 ? "CopyObjectResult" : "CopyPartResult";
  Text t = {0};
  add(&t, "<?xml version=\"1.0\"?><%s><LastModified>%s</LastModified><ETag>&quot;%s&quot;</ETag>", name, when, etag);
  if (sum[0] != 0) add(&t, "<ChecksumCRC32C>%s</ChecksumCRC32C><ChecksumType>FULL_OBJECT</ChecksumType>", sum);
  add(&t, "</%s>", name);
  return answerText(c, "200 OK", &t);
}

static int answerPut(Connection *c, const Request *r, const char *key, long long size, char *content) {
  char id[64], number[16], sum[16], etag[64], headers[512];
  parameter(r, "uploadId", id, sizeof id);
  parameter(r, "partNumber", number, sizeof number);
  header(r, "x-amz-checksum-crc32c", sum, sizeof sum);
  if (id[0] != 0) {
    parts_++;
    notePart(id, atoi(number), size, sum, etag, sizeof etag);
  } else {
    puts_++;
    pthread_mutex_lock(&lock);
    Object *o = put(key);
    o->size = size;
    o->content = content;
    snprintf(o->sum, sizeof o->sum, "%s", sum);
    snprintf(etag, sizeof etag, "%s", o->etag);
    pthread_mutex_unlock(&lock);
  }
  int length = snprintf(headers, sizeof headers, "ETag: \"%s\"\r\n", etag);
  if (sum[0] != 0)
    snprintf(headers + length, sizeof headers - (size_t)length,
             "x-amz-checksum-crc32c: %s\r\nx-amz-checksum-type: FULL_OBJECT\r\n", sum);
  return answer(c, "200 OK", headers, "", 0);
}

static int answerPost(Connection *c, const Request *r, const char *key) {
  char id[64], sum[16], ignored[16];
  posts_++;
  if (parameter(r, "uploads", ignored, sizeof ignored)) {
    Upload *u = must(calloc(1, sizeof *u));
    u->key = must(strdup(key));
    pthread_mutex_lock(&lock);
    u->id = ++ids;
    u->next = uploads;
    uploads = u;
    pthread_mutex_unlock(&lock);
    Text t = {0};
    const char *name = strchr(key, '/');
    add(&t, "<?xml version=\"1.0\"?><InitiateMultipartUploadResult><Bucket>%.*s</Bucket><Key>", (int)(name - key), key);
    addKey(&t, name + 1, 0);
    add(&t, "</Key><UploadId>%llx</UploadId></InitiateMultipartUploadResult>", u->id);
    return answerText(c, "200 OK", &t);
  }
  if (parameter(r, "uploadId", id, sizeof id)) {
    header(r, "x-amz-checksum-crc32c", sum, sizeof sum);
    char etag[64];
    pthread_mutex_lock(&lock);
    Upload *u = findUpload(id);
    if (u != NULL) {
      Object *o = put(key);
      o->size = 0;
      for (int i = 0; i < u->count; i++) o->size += u->parts[i].size;
      snprintf(o->sum, sizeof o->sum, "%s", sum);
      snprintf(o->etag, sizeof o->etag, "sink-%llx-%d", ids, u->count);
      snprintf(etag, sizeof etag, "%s", o->etag);
      dropUpload(u);
    }
    pthread_mutex_unlock(&lock);
    if (u == NULL) return notFound(c, 1, "NoSuchUpload");
    Text t = {0};
    add(&t, "<?xml version=\"1.0\"?><CompleteMultipartUploadResult><Location>/%s</Location><ETag>&quot;%s&quot;</ETag>", key, etag);
    if (sum[0] != 0) add(&t, "<ChecksumCRC32C>%s</ChecksumCRC32C><ChecksumType>FULL_OBJECT</ChecksumType>", sum);
    add(&t, "</CompleteMultipartUploadResult>");
    return answerText(c, "200 OK", &t);
  }
  Text t = {0};
  add(&t, "<?xml version=\"1.0\"?><DeleteResult></DeleteResult>");
  return answerText(c, "200 OK", &t);
}

static int answerHead(Connection *c, const char *key, int bodyToo) {
  char headers[1024], when[64];
  pthread_mutex_lock(&lock);
  Object *o = find(key);
  char *content = NULL;
  long long size = 0;
  if (o != NULL) {
    stamp(when, sizeof when, o->modified, 0);
    size = o->size;
    int length = snprintf(headers, sizeof headers,
                          "Content-Length: %lld\r\nContent-Type: application/octet-stream\r\nLast-Modified: %s\r\nETag: \"%s\"\r\n",
                          o->size, when, o->etag);
    if (o->sum[0] != 0)
      snprintf(headers + length, sizeof headers - (size_t)length,
               "x-amz-checksum-crc32c: %s\r\nx-amz-checksum-type: FULL_OBJECT\r\n", o->sum);
    if (bodyToo) {
      content = must(calloc(1, (size_t)size + 1));
      if (o->content != NULL) memcpy(content, o->content, (size_t)size);
    }
  }
  pthread_mutex_unlock(&lock);
  if (o == NULL) return notFound(c, bodyToo, "NoSuchKey");
  int sent = answer(c, "200 OK", headers, content, bodyToo ? (size_t)size : 0);
  free(content);
  return sent;
}

static int answerStats(Connection *c) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  double cpu = (double)usage.ru_utime.tv_sec + (double)usage.ru_stime.tv_sec +
               (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
  Text t = {0};
  add(&t,
      "{\"bytes\":%lld,\"cpuSeconds\":%f,\"requests\":{\"put\":%lld,\"part\":%lld,\"copy\":%lld,\"get\":%lld,\"head\":%lld,"
      "\"post\":%lld,\"delete\":%lld}}",
      atomic_exchange(&bytesIn, 0), cpu, atomic_exchange(&puts_, 0), atomic_exchange(&parts_, 0), atomic_exchange(&copies_, 0),
      atomic_exchange(&gets_, 0), atomic_exchange(&heads_, 0), atomic_exchange(&posts_, 0), atomic_exchange(&deletes_, 0));
  int sent = answer(c, "200 OK", "Content-Type: application/json\r\n", t.bytes, t.length);
  free(t.bytes);
  return sent;
}

/* Blocks count towards a blob as they come; azcopy asks for its length at the end. */
static int answerAzure(Connection *c, const Request *r, const char *key, long long size) {
  char headers[768], when[64], kind[32];
  stamp(when, sizeof when, time(NULL), 0);
  int length = snprintf(headers, sizeof headers,
                        "x-ms-request-id: 1\r\nx-ms-version: 2024-08-04\r\nLast-Modified: %s\r\nETag: \"0x1\"\r\n"
                        "x-ms-sku-name: Standard_LRS\r\nx-ms-account-kind: StorageV2\r\nx-ms-blob-type: BlockBlob\r\n",
                        when);
  if (strcmp(r->method, "PUT") == 0) {
    int isPart = parameter(r, "comp", kind, sizeof kind);
    *(isPart ? &parts_ : &puts_) += 1;
    pthread_mutex_lock(&lock);
    Object *o = find(key);
    if (o == NULL || !isPart) {
      o = put(key);
      o->size = 0;
    }
    if (strcmp(kind, "blocklist") != 0) o->size += size;
    pthread_mutex_unlock(&lock);
    return answer(c, "201 Created", headers, "", 0);
  }
  if (parameter(r, "restype", kind, sizeof kind)) return answer(c, "200 OK", headers, "", 0);
  heads_++;
  pthread_mutex_lock(&lock);
  Object *o = find(key);
  if (o != NULL) snprintf(headers + length, sizeof headers - (size_t)length, "Content-Length: %lld\r\n", o->size);
  pthread_mutex_unlock(&lock);
  if (o != NULL) return answer(c, "200 OK", headers, "", 0);
  return answer(c, "404 Not Found", "x-ms-request-id: 1\r\nx-ms-error-code: BlobNotFound\r\n", "", 0);
}

/* One request and its answer. 0 ends the connection. */
static int serve(Connection *c) {
  char *end;
  while ((end = memmem(c->head + c->used, c->have - c->used, "\r\n\r\n", 4)) == NULL)
    if (!more(c)) return 0;
  static _Thread_local char head[longestHead + 1];
  size_t length = (size_t)(end - (c->head + c->used));
  memcpy(head, c->head + c->used, length);
  head[length] = 0;
  c->used += length + 4;

  Request r = {0};
  char *space = strchr(head, ' '), *lineEnd = strstr(head, "\r\n");
  if (space == NULL || (size_t)(space - head) >= sizeof r.method) return 0;
  memcpy(r.method, head, (size_t)(space - head));
  r.path = space + 1;
  r.headers = lineEnd == NULL ? "" : lineEnd + 2;
  char *pathEnd = strchr(r.path, ' ');
  if (pathEnd == NULL) return 0;
  *pathEnd = 0;
  r.query = strchr(r.path, '?');
  if (r.query != NULL) *r.query++ = 0;
  else r.query = "";
  decode(r.path, 0);
  char value[256];
  if (header(&r, "content-length", value, sizeof value)) r.length = atoll(value);
  r.chunked = header(&r, "transfer-encoding", value, sizeof value) && strcasestr(value, "chunked") != NULL;
  r.close = header(&r, "connection", value, sizeof value) && strcasestr(value, "close") != NULL;
  if (header(&r, "expect", value, sizeof value) && !sendAll(c, "HTTP/1.1 100 Continue\r\n\r\n", 25)) return 0;

  const char *key = r.path + 1;
  char *content = NULL;
  long long size = r.length;
  if (r.chunked) {
    if (!takeChunked(c, &size)) return 0;
  } else {
    if (strcmp(r.method, "PUT") == 0 && strstr(key, ".nimctl/") != NULL) content = must(malloc((size_t)size + 1));
    if (!take(c, size, content)) return 0;
  }
  if (header(&r, "x-amz-decoded-content-length", value, sizeof value)) size = atoll(value);

  const char *slash = strchr(key, '/');
  int isObject = slash != NULL && slash[1] != 0, sent;
  char bucket[256], id[64], number[16];
  snprintf(bucket, sizeof bucket, "%.*s", slash == NULL ? (int)strlen(key) : (int)(slash - key), key);
  parameter(&r, "uploadId", id, sizeof id);
  parameter(&r, "partNumber", number, sizeof number);
  if (strcmp(key, "_stats") == 0) sent = answerStats(c);
  else if (header(&r, "x-ms-version", value, sizeof value)) sent = answerAzure(c, &r, key, size);
  else if (strcmp(r.method, "PUT") == 0) {
    if (!isObject) sent = answer(c, "200 OK", "", "", 0);
    else if (header(&r, "x-amz-copy-source", value, sizeof value)) sent = copy(c, &r, key, id, atoi(number));
    else {
      sent = answerPut(c, &r, key, size, content);
      content = NULL;
    }
  } else if (strcmp(r.method, "POST") == 0) sent = answerPost(c, &r, key);
  else if (strcmp(r.method, "HEAD") == 0) {
    heads_++;
    sent = isObject ? answerHead(c, key, 0) : answer(c, "200 OK", "", "", 0);
  } else if (strcmp(r.method, "DELETE") == 0) {
    deletes_++;
    pthread_mutex_lock(&lock);
    Upload *u = id[0] != 0 ? findUpload(id) : NULL;
    if (u != NULL) dropUpload(u);
    if (id[0] == 0) removeKey(key);
    pthread_mutex_unlock(&lock);
    sent = answer(c, "204 No Content", "", NULL, 0);
  } else {
    gets_++;
    if (!isObject) {
      if (parameter(&r, "uploads", value, sizeof value)) {
        Text t = {0};
        add(&t, "<?xml version=\"1.0\"?><ListMultipartUploadsResult><IsTruncated>false</IsTruncated></ListMultipartUploadsResult>");
        sent = answerText(c, "200 OK", &t);
      } else if (parameter(&r, "location", value, sizeof value)) {
        Text t = {0};
        add(&t, "<?xml version=\"1.0\"?><LocationConstraint xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"/>");
        sent = answerText(c, "200 OK", &t);
      } else sent = list(c, &r, bucket);
    } else sent = id[0] != 0 ? listParts(c, id) : answerHead(c, key, 1);
  }
  free(content);
  return sent && !r.close;
}

static void *work(void *argument) {
  Connection *c = argument;
  int on = 1;
  setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  int open = 1;
  if (context != NULL) {
    c->tls = SSL_new(context);
    SSL_set_fd(c->tls, c->fd);
    open = SSL_accept(c->tls) == 1;
  }
  while (open && serve(c)) continue;
  if (c->tls != NULL) SSL_free(c->tls);
  close(c->fd);
  free(c->discard);
  free(c);
  return NULL;
}

int main(int count, char **arguments) {
  if (count != 2 && count != 4) return 2;
  signal(SIGPIPE, SIG_IGN);
  if (count == 4) {
    context = SSL_CTX_new(TLS_server_method());
    SSL_CTX_set_mode(context, SSL_MODE_AUTO_RETRY);
    SSL_CTX_set_read_ahead(context, 1);
    SSL_CTX_set_default_read_buffer_len(context, 262144);
    if (SSL_CTX_use_certificate_chain_file(context, arguments[2]) != 1) return 1;
    if (SSL_CTX_use_PrivateKey_file(context, arguments[3], SSL_FILETYPE_PEM) != 1) return 1;
  }
  int listener = socket(AF_INET, SOCK_STREAM, 0), on = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((unsigned short)atoi(arguments[1]))};
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (bind(listener, (struct sockaddr *)&at, sizeof at) != 0 || listen(listener, 1024) != 0) return 1;
  pthread_attr_t small;
  pthread_attr_init(&small);
  pthread_attr_setstacksize(&small, 512 * 1024);
  pthread_attr_setdetachstate(&small, PTHREAD_CREATE_DETACHED);
  for (;;) {
    int fd = accept(listener, NULL, NULL);
    if (fd < 0) continue;
    Connection *c = must(calloc(1, sizeof *c));
    c->fd = fd;
    c->discard = must(malloc(discardSize));
    pthread_t thread;
    if (pthread_create(&thread, &small, work, c) != 0) {
      close(fd);
      free(c->discard);
      free(c);
    }
  }
}
