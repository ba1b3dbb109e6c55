// The page of `report -f html`, as `make` builds it from reporter/write/html/.
    .section .rodata
    .globl flockstat_html_page
flockstat_html_page:
    .incbin "html_page.html"
    .globl flockstat_html_page_end
flockstat_html_page_end:
    .section .note.GNU-stack, "", @progbits
