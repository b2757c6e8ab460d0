"""Functions that an emitted module defines if it calls them, by name."""

CONCATENATE = '''
def concatenate(parts, axis):
    """The parts along axis; along the others they broadcast."""
    shape = np.broadcast_shapes(*(np.take(part, [], axis).shape for part in parts))
    shapes = [list(shape) for part in parts]
    for part, wanted in zip(parts, shapes):
        wanted[axis] = part.shape[axis]
    return np.concatenate([np.broadcast_to(p, s) for p, s in zip(parts, shapes)], axis)
'''

GATHER = '''
def gather(tensor, *index):
    """tensor[index], element by element; 0 where an index is out of range."""
    index = [np.asarray(i) for i in index]
    inside = True
    for i, size in zip(index, tensor.shape):
        inside = inside & (i >= 0) & (i < size)
    if tensor.size == 0:
        return np.zeros(np.broadcast_shapes(*(i.shape for i in index)), tensor.dtype)
    clipped = tuple(np.clip(i, 0, size - 1) for i, size in zip(index, tensor.shape))
    found = np.where(inside, tensor[clipped], np.zeros((), tensor.dtype))
    return found.astype(np.int64) if found.dtype == np.int32 else found
'''

GATHER_PAGES = '''
def gather_pages(pool, table):
    """The pages [..., rows, width] that table lists, one after the other; zeros for no page."""
    there = (table >= 0) & (table < len(pool))
    pages = np.zeros((*table.shape, *pool.shape[1:]), pool.dtype)
    pages[there] = pool[table[there]]
    pages = np.moveaxis(pages, table.ndim - 1, -3)
    return pages.reshape(*pages.shape[:-3], pages.shape[-3] * pages.shape[-2], pages.shape[-1])
'''

GIVEN = '''
def given(tensor, absent):
    """An optional input, or what stands for it where it is absent."""
    return absent if tensor is None else tensor
'''

HEAD_BLOCKS = '''
def head_blocks(batch, count, tiles, scores, group=None):
    """Indices of count neighbouring heads at a time, or of fewer, so that each core has two jobs.

    Each head has so many tiles, each of them a job, and so many scores, of which a job is to have
    SCORES_OF_JOB. No block goes beyond a group of heads, if they are in groups of that size.
    Without a dim of heads there is one.
    """
    if not batch:
        return [()]
    heads, group = batch[-1], group or max(batch[-1], 1)
    count = min(count, group)
    jobs = math.prod(batch) * tiles
    while 1 < count and jobs < 2 * count * CORES and count * scores > tiles * SCORES_OF_JOB:
        count //= 2
    ends = range(group, heads + group, group)
    parts = [slice(i, min(i + count, end)) for end in ends for i in range(end - group, end, count)]
    return [(*outer, part) for outer in np.ndindex(batch[:-1]) for part in parts]
'''

IN_PARALLEL = '''
def in_parallel(tile, jobs, count):
    """Call tile for each of count jobs, on all cores; raise what one of the threads raises."""
    turn, raised = Lock(), []

    def work():
        try:
            while not raised:
                with turn:
                    job = next(jobs, None)
                if job is None:
                    return
                tile(*job)
        except BaseException as error:
            raised.append(error)

    others = [Thread(target=work) for _ in range(min(CORES, count) - 1)]
    with limit_threads(limits=1) if others else nullcontext():
        for thread in others:
            thread.start()
        work()
        for thread in others:
            thread.join()
    if raised:
        raise raised[0]
'''

IN_PAGES = '''
def in_pages(pool, table, keys):
    """These keys of the sequence whose pages table lists; zeros where there is no such page."""
    k, size = np.arange(keys.start, keys.stop), pool.shape[1]
    page = table[k // size]
    there = (page >= 0) & (page < len(pool))
    found = np.zeros((k.size, pool.shape[2]), pool.dtype)
    found[there] = pool[page[there], k[there] % size]
    return found
'''

INDEX = '''
def index(scores, axis):
    """The index along the last axis (1), the one before (2), …, to broadcast with scores."""
    if scores.ndim < axis:
        return np.int64(0)
    return np.arange(scores.shape[-axis]).reshape(-1, *[1] * (axis - 1))
'''

KEY_TILES = '''
def key_tiles(begin, full_begin, full_end, end, tile, edge):
    """First and last key of each tile: small tiles at the edges of a mask, large ones between."""
    if begin >= end:
        return []
    begin = begin // edge * edge
    full_begin = min(max(begin, -(-full_begin // edge) * edge), end)
    full_end = min(max(full_begin, full_end // edge * edge), end)
    borders = [
        *range(begin, full_begin, edge),
        *range(full_begin, full_end, tile),
        *range(full_end, end, edge),
        end,
    ]
    return [(first, after - 1) for first, after in zip(borders, borders[1:])]
'''

LONGEST = '''
def longest(vectors):
    """The greatest Euclidean length."""
    return math.sqrt(np.vecdot(vectors, vectors).max(initial=0))
'''

SIGMOID = '''
def sigmoid(x):
    """1 / (1 + exp(-x)), in a form that never overflows and is exact far below 0 too."""
    small = np.exp(-np.abs(x))
    return np.where(x >= 0, 1, small) / (1 + small)
'''

SOFTMAX = '''
def softmax(x, axis):
    """exp(x) / sum of exp(x) along axis; 0 where all of it is -inf."""
    highest = x.max(axis=axis, keepdims=True, initial=-np.inf)
    weights = np.exp(x - np.where(highest == -np.inf, 0, highest))
    total = weights.sum(axis=axis, keepdims=True)
    return weights / np.where(total == 0, 1, total)
'''

SOFTMAX_WITH_SINK = '''
def softmax_with_sink(x, sink):
    """exp(x) / (exp(sink) + sum of exp(x)) along the last axis: a sink takes weight, and no key."""
    sink = np.asarray(sink, x.dtype)
    highest = np.maximum(x.max(axis=-1, keepdims=True, initial=-np.inf), sink)
    shift = np.where(highest == -np.inf, 0, highest)
    weights = np.exp(x - shift)
    total = weights.sum(axis=-1, keepdims=True) + np.exp(sink - shift)
    return weights / np.where(total == 0, 1, total)
'''

LOG_SUM_EXP = '''
def log_sum_exp(x, axis, sink=-np.inf):
    """log of (exp(sink) + sum of exp(x)) along axis; -inf where all of it is."""
    sink = np.asarray(sink, x.dtype)
    highest = np.maximum(x.max(axis=axis, keepdims=True, initial=-np.inf), sink)
    shift = np.where(highest == -np.inf, 0, highest)
    total = np.exp(x - shift).sum(axis=axis, keepdims=True) + np.exp(sink - shift)
    with np.errstate(divide="ignore"):
        return np.squeeze(shift + np.log(total), axis)
'''

LAYER_NORM = '''
def layer_norm(x, gain, bias, epsilon):
    """Rows of mean 0 and variance 1, times gain, plus bias."""
    centred = x - x.mean(axis=-1, keepdims=True)
    variance = np.square(centred).mean(axis=-1, keepdims=True)
    return centred / np.sqrt(variance + epsilon) * gain + bias
'''

EMBEDDING = '''
def embedding(ids, table):
    """A row of the table for each id; zeros for an id that is not in it."""
    inside = (ids >= 0) & (ids < len(table))
    return np.where(inside[..., None], table[np.where(inside, ids, 0)], 0)
'''

POSITIONS = '''
def positions(length, width, dtype):
    """Sines in the even columns, cosines in the odd ones, of ever longer waves."""
    column = np.arange(width)
    angle = np.arange(length)[:, None] / 10000.0 ** ((column - column % 2) / max(width, 1))
    return np.where(column % 2 == 0, np.sin(angle), np.cos(angle)).astype(dtype)
'''

SPLIT_HEADS = '''
def split_heads(x, heads):
    """[..., n, heads * d] as [..., heads, n, d]."""
    return np.swapaxes(x.reshape(*x.shape[:-1], heads, x.shape[-1] // heads), -2, -3)
'''

MERGE_HEADS = '''
def merge_heads(x):
    """[..., heads, n, d] as [..., n, heads * d]."""
    x = np.swapaxes(x, -2, -3)
    return x.reshape(*x.shape[:-2], x.shape[-2] * x.shape[-1])
'''

REPEAT_HEADS = '''
def repeat_heads(x, heads):
    """[..., g, n, d] as [..., heads, n, d]: each head as often as it takes."""
    return np.repeat(x, heads // max(x.shape[-3], 1), axis=-3)
'''

TILE_RANGE = '''
def tile_range(values, tile, axis):
    """The least and the greatest of every `tile` values along axis; NaN if one is NaN."""
    first = np.arange(0, values.shape[axis], tile)
    return np.minimum.reduceat(values, first, axis), np.maximum.reduceat(values, first, axis)
'''

HELPERS = {
    "concatenate": CONCATENATE,
    "embedding": EMBEDDING,
    "gather": GATHER,
    "gather_pages": GATHER_PAGES,
    "given": GIVEN,
    "head_blocks": HEAD_BLOCKS,
    "in_pages": IN_PAGES,
    "in_parallel": IN_PARALLEL,
    "index": INDEX,
    "key_tiles": KEY_TILES,
    "layer_norm": LAYER_NORM,
    "log_sum_exp": LOG_SUM_EXP,
    "longest": LONGEST,
    "merge_heads": MERGE_HEADS,
    "positions": POSITIONS,
    "repeat_heads": REPEAT_HEADS,
    "sigmoid": SIGMOID,
    "softmax": SOFTMAX,
    "softmax_with_sink": SOFTMAX_WITH_SINK,
    "split_heads": SPLIT_HEADS,
    "tile_range": TILE_RANGE,
}
