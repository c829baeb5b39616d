// Every form of C++'s operator new, asked for what cannot be; says how each failed.
// It leaves counting to the library under test. The argument chooses the forms: mimalloc's plain ones abort.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <new>

namespace {

void *volatile sink;
volatile std::size_t impossible = std::size_t(PTRDIFF_MAX) - 65536;
constexpr std::align_val_t alignment{64};

template <class Request> void report(const char *form, Request request) {
    try {
        sink = request();
        std::printf("%s %s\n", form, sink == nullptr ? "is null" : "succeeded");
    } catch (const std::bad_alloc &) {
        std::printf("%s threw\n", form);
    }
}

void throwing() {
    report("new", [] { return ::operator new(impossible); });
    report("new[]", [] { return ::operator new[](impossible); });
    report("new aligned", [] { return ::operator new(impossible, alignment); });
    report("new[] aligned", [] { return ::operator new[](impossible, alignment); });
}

void nothrow() {
    report("new nothrow", [] { return ::operator new(impossible, std::nothrow); });
    report("new[] nothrow", [] { return ::operator new[](impossible, std::nothrow); });
    report("new aligned nothrow", [] { return ::operator new(impossible, alignment, std::nothrow); });
    report("new[] aligned nothrow", [] { return ::operator new[](impossible, alignment, std::nothrow); });
}

} // namespace

int main(int, char **arguments) {
    delete new int;
    delete[] new char[100];
    ::operator delete(::operator new(100, alignment), alignment);
    if (std::strcmp(arguments[1], "nothrow") != 0) throwing();
    nothrow();
}
