"""Functions that an emitted module defines if it calls them, by name."""

GATHER = '''
def gather(tensor, *index):
    """tensor[index], element by element; 0 where an index is out of range."""
    index = [np.asarray(i, np.int64) for i in index]
    inside = True
    for i, size in zip(index, tensor.shape):
        inside = inside & (i >= 0) & (i < size)
    if tensor.size == 0:
        return np.zeros(np.broadcast_shapes(*(i.shape for i in index)), tensor.dtype)
    clipped = tuple(np.clip(i, 0, size - 1) for i, size in zip(index, tensor.shape))
    found = np.where(inside, tensor[clipped], np.zeros((), tensor.dtype))
    return found.astype(np.int64) if found.dtype == np.int32 else found
'''

GIVEN = '''
def given(tensor, absent):
    """An optional input, or what stands for it where it is absent."""
    return absent if tensor is None else tensor
'''

INDEX = '''
def index(scores, axis):
    """The index along the last axis (1), the one before (2), …, to broadcast with scores."""
    if scores.ndim < axis:
        return 0
    return np.arange(scores.shape[-axis]).reshape(-1, *[1] * (axis - 1))
'''

SOFTMAX = '''
def softmax(x, axis):
    """exp(x) / sum of exp(x) along axis; 0 where all of it is -inf."""
    highest = x.max(axis=axis, keepdims=True, initial=-np.inf)
    weights = np.exp(x - np.where(highest == -np.inf, 0, highest))
    total = weights.sum(axis=axis, keepdims=True)
    return weights / np.where(total == 0, 1, total)
'''

HELPERS = {"gather": GATHER, "given": GIVEN, "index": INDEX, "softmax": SOFTMAX}
