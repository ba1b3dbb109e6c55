/// Objects of private memory that are made a page at a time and never given back.
#pragma once

#include "shim/private_memory.h"

#include <new>

namespace flockstat::shim {

/// `Next` links free objects, `All` all that were ever made. Not thread-safe: its user's lock guards it.
template<typename Object, Object *Object::*Next, Object *Object::*All>
class Pool {
public:
    /// A fresh object, or nullptr without memory.
    [[nodiscard]] Object *take() {
        if (free_ == nullptr && !grow()) {
            return nullptr;
        }
        Object *object = free_;
        free_ = object->*Next;
        object->*Next = nullptr;
        return object;
    }

    void give(Object *object) {
        object->*Next = free_;
        free_ = object;
    }

    [[nodiscard]] Object *all() const { return all_; }

private:
    static constexpr std::size_t page_bytes = 16384;

    bool grow() {
        auto *page = static_cast<char *>(map_pages(page_bytes));
        if (page == nullptr) {
            return false;
        }
        for (std::size_t at = 0; at + sizeof(Object) <= page_bytes; at += sizeof(Object)) {
            auto *object = new (page + at) Object;
            object->*All = all_;
            all_ = object;
            give(object);
        }
        return true;
    }

    Object *free_ = nullptr;
    Object *all_ = nullptr;
};

} // namespace flockstat::shim
