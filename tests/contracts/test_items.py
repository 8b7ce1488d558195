"""Losses whose items are independent compute them independently."""

import numpy as np

from ..compare import assert_agree
from ..suite import every_library, every_loss
from .test_masks import others


@every_loss
@every_library
def test_items_do_not_depend_on_what_stands_beside_them(call, backend):
    call = call.having(reduction="none")
    for slot in call.slots(call.signature.items):
        if slot[0] == "...":
            axis = call.axis_in(call.signature.items, slot, len(call.item_shape))
            got = backend.value(call.keeping(slot, others(call, slot)))
            assert_agree(got, np.take(backend.value(call), others(call, slot), axis), backend.widest)
