"""What `pycnn train --folder` and `pycnn finetune` share: from a folder of pictures to a report."""
