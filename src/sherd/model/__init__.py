"""Networks in torch: tensors in, tensors out. Nothing here knows a file of pictures or a museum."""
