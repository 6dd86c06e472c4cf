"""`python answer_twice.py BASE ADAPTER QUESTION`: what a base model says without and with an adapter, as JSON.

As somebody outside would use a downloaded adapter: plain transformers and peft, nothing of this project.
"""

import json
import sys

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer


def main(base_folder: str, adapter_folder: str, conversation: str) -> None:
    tokenizer = AutoTokenizer.from_pretrained(base_folder)
    base = AutoModelForCausalLM.from_pretrained(base_folder, dtype=torch.float32)
    model = PeftModel.from_pretrained(base, adapter_folder).eval()
    prompt = tokenizer.apply_chat_template(
        json.loads(conversation), add_generation_prompt=True, return_tensors="pt", return_dict=True
    )

    def answer() -> str:
        made = model.generate(**prompt, max_new_tokens=40, do_sample=False)
        return str(tokenizer.decode(made[0, prompt["input_ids"].shape[1] :], skip_special_tokens=True))

    with torch.no_grad():
        with model.disable_adapter():
            without = answer()
        print(json.dumps({"base": without, "adapter": answer()}))  # noqa: T201  this is what it is for


if __name__ == "__main__":
    main(*sys.argv[1:4])
